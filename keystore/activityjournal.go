package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// An activity file holds one JSON object for each line. One that has grown to maxActivityFile is put aside in the
// place of the one before it, so that the two together never have much more than 256 KiB.
const (
	maxActivity     = 1000
	maxActivityFile = 128 << 10
	activityAside   = ".1"
)

// journal keeps what happened, in a file for its owner alone. Several processes may write to one file. Signatures do
// not wait for the disk, and what cannot be written is kept in memory until it can: a full disk fails no signature.
type journal struct {
	path string // empty for memory alone
	log  *slog.Logger

	wake chan struct{} // holds one token while there may be something to write
	end  chan struct{}
	done sync.WaitGroup

	disk sync.Mutex // held while the file is read or written; taken before mu

	mu      sync.Mutex
	unsaved []Activity // not in the file yet, the oldest first; guarded by mu
	added   uint64     // guarded by mu
	closed  bool       // guarded by mu
	failing bool       // the last write failed; guarded by disk
}

func newJournal(path string, log *slog.Logger) *journal {
	j := &journal{path: path, log: log, wake: make(chan struct{}, 1), end: make(chan struct{})}
	j.done.Go(j.run)
	return j
}

// run writes what is new. It is the journal's goroutine.
func (j *journal) run() {
	for {
		select {
		case <-j.wake:
			j.save()
		case <-j.end:
			j.save()
			return
		}
	}
}

// close writes what is left and waits for that. Closing twice is allowed.
func (j *journal) close() {
	j.mu.Lock()
	if !j.closed {
		j.closed = true
		close(j.end)
	}
	j.mu.Unlock()
	j.done.Wait()
}

// add notes one activity.
func (j *journal) add(a Activity) {
	j.mu.Lock()
	j.added++
	j.unsaved = append(j.unsaved, a)
	if over := len(j.unsaved) - maxActivity; over > 0 {
		j.unsaved = slices.Delete(j.unsaved, 0, over)
	}
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// count is how much was added.
func (j *journal) count() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.added
}

// list is everything that is known, the newest first.
func (j *journal) list() []Activity {
	j.disk.Lock()
	defer j.disk.Unlock()
	var saved []Activity
	if j.path != "" {
		var err error
		if saved, err = readActivity(j.path); err != nil {
			j.log.Warn("the activity cannot be read", "err", err)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return newestFirst(append(saved, j.unsaved...))
}

// save writes what is not in the file yet.
func (j *journal) save() {
	if j.path == "" {
		return
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	j.mu.Lock()
	batch := slices.Clone(j.unsaved)
	before := j.added
	j.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	err := appendActivity(j.path, batch)
	if err != nil && !j.failing {
		j.log.Warn("the activity cannot be written", "err", err) // once, not with every signature
	}
	j.failing = err != nil
	if err != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unsaved = slices.Clone(j.unsaved[len(j.unsaved)-min(len(j.unsaved), int(j.added-before)):])
}

// appendActivity adds lines to the file, which is made if need be. An end of line that is missing, because a write
// broke off, is added first: it costs the broken line and no other.
func appendActivity(path string, batch []Activity) error {
	var lines bytes.Buffer
	for _, a := range batch {
		if err := json.NewEncoder(&lines).Encode(a); err != nil {
			return fmt.Errorf("encoding activity: %w", err)
		}
	}
	unlock, err := lockFolderOf(path)
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Stat(path); err == nil && info.Size()+int64(lines.Len()) > maxActivityFile {
		if err := os.Rename(path, path+activityAside); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if brokenOff(f) {
		_, err = f.Write(append([]byte("\n"), lines.Bytes()...))
	} else {
		_, err = f.Write(lines.Bytes())
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// brokenOff reports whether the last line of a file has no end.
func brokenOff(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// ReadActivity is what the stores that keep their activity in the file at path were asked, the newest first and no
// more than 1000. A file that is not there holds nothing.
func ReadActivity(path string) ([]Activity, error) {
	found, err := readActivity(path)
	return newestFirst(found), err
}

// readActivity reads the file and the one that was put aside, the oldest first.
func readActivity(path string) ([]Activity, error) {
	var found []Activity
	for _, name := range []string{path + activityAside, path} {
		text, err := readLimited(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading activity: %w", err)
		}
		found = append(found, parseActivity(text)...)
	}
	return found, nil
}

// readLimited reads the end of a file that may have been written by anything.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 4 * maxActivityFile
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// parseActivity reads lines and leaves out those that say nothing.
func parseActivity(text []byte) []Activity {
	var found []Activity
	for line := range bytes.Lines(text) {
		var a Activity
		if json.Unmarshal(line, &a) == nil && !a.Time.IsZero() {
			found = append(found, a)
		}
	}
	return found
}

// newestFirst turns the order round and leaves out what is beyond the most that is told.
func newestFirst(list []Activity) []Activity {
	list = list[max(0, len(list)-maxActivity):]
	slices.SortStableFunc(list, func(a, b Activity) int { return a.Time.Compare(b.Time) })
	slices.Reverse(list)
	return list
}
