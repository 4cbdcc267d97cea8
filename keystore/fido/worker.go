package fido

import (
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// RunWorker is the main function of a worker process: it reads one job from in, does it with libfido2 and writes events
// to out. The process should end when it returns.
//
// It ignores SIGHUP, which unplugging a key that is a terminal could send, and SIGINT, which a terminal sends to
// all processes in front: the program that started it closes in, and the keys stop blinking before the process ends.
func RunWorker(in io.Reader, out io.Writer) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	j, pin, err := readJob(in)
	if err != nil {
		return fmt.Errorf("reading a job: %w", err)
	}
	defer pin.Wipe()
	w := &worker{job: j, pin: pin, events: json.NewEncoder(out), gone: make(chan struct{})}
	go func() { // ends with the process at the latest
		_, _ = io.Copy(io.Discard, in)
		close(w.gone)
	}()
	if err := w.send(w.do()); err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	return nil
}

func readJob(in io.Reader) (job, *secret.Bytes, error) {
	var length [1]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return job{}, nil, err
	}
	pin := secret.Take(make([]byte, length[0]))
	if _, err := io.ReadFull(in, pin.Reveal()); err != nil {
		pin.Wipe()
		return job{}, nil, err
	}
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		pin.Wipe()
		return job{}, nil, err
	}
	return j, pin, nil
}

// worker does one job.
type worker struct {
	job  job
	pin  *secret.Bytes
	gone chan struct{} // closed when nobody wants the result any more

	writing sync.Mutex
	events  *json.Encoder // guarded by writing
}

func (w *worker) send(e event) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.events.Encode(e)
}

func (w *worker) do() event {
	switch w.job.Task {
	case taskFind:
		return w.find()
	case taskAssert:
		return w.assert()
	default:
		return event{Done: true, Failure: &failure{Kind: kindOther, Text: fmt.Sprintf("unknown task %q", w.job.Task)}}
	}
}

// findTime bounds each question to a key that nobody has to tap: libfido2 would wait for ever.
const findTime = 3 * time.Second

// find looks at every key.
func (w *worker) find() event {
	keys := []key{}
	if w.job.Discover {
		var err error
		if keys, err = discover(); err != nil {
			return event{Done: true, Failure: failureOf(err)}
		}
	}
	for _, path := range w.job.Paths {
		if slices.ContainsFunc(keys, func(k key) bool { return k.Path == path }) {
			continue
		}
		keys = append(keys, key{Path: path, Name: "security key"})
	}
	var looking sync.WaitGroup
	for i := range keys {
		looking.Go(func() { w.look(&keys[i]) })
	}
	looking.Wait()
	return event{Done: true, Keys: keys}
}

// look fills in what a key can do and holds.
func (w *worker) look(k *key) {
	d, err := openDevice(k.Path)
	if err != nil {
		k.Problem = failureOf(err)
		return
	}
	defer d.close()
	d.limit(findTime)
	d.describe(k)
	for _, rpID := range []string{w.job.RPID, w.job.AppID} {
		if rpID != "" && !k.Holds {
			w.search(d, k, rpID)
		}
	}
}

// search asks for each credential on its own, without a tap: a key need not be able to take the whole list, and
// afterwards it is asked for what it has.
func (w *worker) search(d *device, k *key, rpID string) {
	if len(w.job.Allowed) == 0 {
		k.Holds, k.RPID = k.FIDO2, rpID
		return
	}
	for _, id := range w.job.Allowed {
		has, err := d.holds(rpID, id)
		if err != nil {
			k.Problem = failureOf(err)
			return
		}
		if has {
			k.Holds, k.Credential, k.RPID = true, id, rpID
			return
		}
	}
}

// assert has all keys blink and takes the answer of the one that is tapped.
func (w *worker) assert() event {
	type outcome struct {
		signed *signed
		err    error
	}
	outcomes := make(chan outcome, len(w.job.Keys))
	var devices []*device
	defer func() { // the process ends next; a key that does not react is left to that
		for _, d := range devices {
			d.cancel()
		}
	}()
	var failed error
	for _, k := range w.job.Keys {
		d, err := openDevice(k.Path)
		if err != nil {
			failed = err
			continue
		}
		devices = append(devices, d)
		go func() { // ends with the process at the latest
			s, err := d.assert(w.question(k), w.pin)
			outcomes <- outcome{s, err}
		}()
	}
	if err := w.send(event{Waiting: true}); err != nil {
		return event{Done: true, Failure: failureOf(err)}
	}
	gone := w.gone
	for range devices {
		for {
			select {
			case <-gone:
				gone = nil
				for _, d := range devices {
					d.cancel()
				}
				continue
			case o := <-outcomes:
				if o.err == nil || !isKind(o.err, kindGone, kindNotTapped) {
					return result(o.signed, o.err)
				}
				failed = o.err
			}
			break
		}
	}
	return result(nil, failed)
}

func result(s *signed, err error) event {
	return event{Done: true, Signed: s, Failure: failureOf(err)}
}

// question is what one key is asked.
type question struct {
	rpID       string
	hash       []byte
	credential []byte
	verify     bool
	appID      bool
}

func (w *worker) question(k key) question {
	return question{
		rpID: k.RPID, hash: w.job.Hash, credential: k.Credential, verify: w.job.VerifyUser,
		appID: k.RPID != w.job.RPID,
	}
}
