//go:build linux

package keystore

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

var discard = slog.New(slog.DiscardHandler)

// noRoom is the path of a file on a disk that has no room (full(4)).
func noRoom(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "activity")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// happened is the nth activity of a test.
func happened(n int) Activity {
	return Activity{
		Time: time.Date(2026, 11, 21, 9, 0, n, 0, time.UTC), Kind: ActivitySignature, Result: ActivitySigned,
		What: fmt.Sprintf("use %d", n),
	}
}

func openJournal(t testing.TB, path string) *journal {
	j := newJournal(path, discard)
	t.Cleanup(j.close)
	return j
}

// uses is what a list tells, in its order.
func uses(list []Activity) string {
	var words []string
	for _, a := range list {
		words = append(words, strings.TrimPrefix(a.What, "use "))
	}
	return strings.Join(words, " ")
}

func TestActivityOutlivesItsStoreInAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity")
	first := openJournal(t, path)
	first.add(happened(1))
	first.add(happened(2))
	first.close()
	second := openJournal(t, path)
	second.add(happened(3))
	if got := uses(second.list()); got != "3 2 1" {
		t.Errorf("the second store tells %q, want the newest first", got)
	}
	second.close()
	read, err := ReadActivity(path)
	if err != nil || uses(read) != "3 2 1" {
		t.Errorf("the file tells %q, %v", uses(read), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestAFileThatIsNotThereHoldsNothing(t *testing.T) {
	got, err := ReadActivity(filepath.Join(t.TempDir(), "activity"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAFileThatCannotBeReadSaysSo(t *testing.T) {
	if _, err := ReadActivity(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
}

func TestWithoutAFileActivityIsInMemory(t *testing.T) {
	j := openJournal(t, "")
	for n := range maxActivity + 10 {
		j.add(happened(n))
	}
	got := j.list()
	if len(got) != maxActivity || got[0].What != fmt.Sprintf("use %d", maxActivity+9) {
		t.Errorf("%d are kept, the newest is %q", len(got), got[0].What)
	}
}

func TestActivityFilesStaySmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity")
	long := strings.Repeat("x", longestNote)
	const all = 3000
	for n := range all / 10 {
		var batch []Activity
		for i := range 10 {
			a := happened(10*n + i)
			a.Where, a.Program = long, long
			batch = append(batch, a)
		}
		if err := appendActivity(path, batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{path, path + activityAside} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > maxActivityFile {
			t.Errorf("%s: %v bytes, %v", filepath.Base(name), info.Size(), err)
		}
	}
	got, err := ReadActivity(path)
	if err != nil || got[0].What != fmt.Sprintf("use %d", all-1) {
		t.Errorf("the newest is %q, %v", got[0].What, err)
	}
	for i := range got[1:] {
		if got[i].Time.Sub(got[i+1].Time) != time.Second {
			t.Fatalf("after %q comes %q", got[i].What, got[i+1].What)
		}
	}
	if len(got) < maxActivityFile/1000 {
		t.Errorf("only %d are left after the file was put aside", len(got))
	}
}

func TestABrokenLineCostsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity")
	if err := appendActivity(path, []Activity{happened(1)}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("null\n{}\n\x00\xff\n{\"time\":\"2026-11-21T09:00"); err != nil { // the last of them without its end
		t.Fatal(err)
	}
	f.Close()
	if err := appendActivity(path, []Activity{happened(2)}); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadActivity(path); err != nil || uses(got) != "2 1" {
		t.Errorf("the file tells %q, %v", uses(got), err)
	}
}

func TestWhatAFullDiskRefusedIsWrittenLater(t *testing.T) {
	path := noRoom(t)
	j := openJournal(t, path)
	j.add(happened(1))
	testkit.Eventually(t, "the write has failed", func() bool {
		j.disk.Lock()
		defer j.disk.Unlock()
		return j.failing
	})
	if got := uses(j.list()); got != "1" {
		t.Errorf("while the disk is full, %q is told", got)
	}
	if err := os.Remove(path); err != nil { // now there is room
		t.Fatal(err)
	}
	j.add(happened(2))
	j.close()
	if got, err := ReadActivity(path); err != nil || uses(got) != "2 1" {
		t.Errorf("the file tells %q, %v", uses(got), err)
	}
}

func TestManyWriteOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity")
	const writers, each = 8, 50
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			j := newJournal(path, discard) // as another process would
			defer j.close()
			for n := range each {
				j.add(happened(w*each + n))
				if n%10 == 0 {
					j.list()
				}
			}
		})
	}
	writing.Wait()
	got, err := ReadActivity(path)
	if err != nil || len(got) != writers*each {
		t.Fatalf("%d of %d are there, %v", len(got), writers*each, err)
	}
	seen := map[string]bool{}
	for _, a := range got {
		seen[a.What] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d different ones are there, want %d", len(seen), writers*each)
	}
}

func TestAnActivityFolderThatIsGoneFailsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "activity")
	j := openJournal(t, path)
	j.add(happened(1))
	j.close()
	j.close() // twice is allowed
	if got := uses(j.list()); got != "1" {
		t.Errorf("%q is told", got)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file: %v, want %v", err, fs.ErrNotExist)
	}
}
