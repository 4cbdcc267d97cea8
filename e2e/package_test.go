//go:build e2e

package e2e

import (
	"compress/gzip"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// appID names everything that a desktop finds the program by.
const appID = "app.touchstone.Touchstone"

// Package is the Debian package, unpacked into a folder of its own. Nothing is installed.
type Package struct {
	t    testing.TB
	file string
	root string
}

// makePackage makes the package, where this commit has none yet, and returns the name of the .deb. Once is enough for
// all tests: compressing takes half a minute.
var makePackage = sync.OnceValues(func() (string, error) {
	var stderr strings.Builder
	command := exec.Command("make", "-s", "--no-print-directory", "-C", "..", "package")
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("making the package: %w\n%s%s", err, out, &stderr)
	}
	for name := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(name, ".deb") {
			return filepath.Join("..", name), nil
		}
	}
	return "", fmt.Errorf("making the package names no .deb:\n%s", out)
})

func unpackPackage(t testing.TB) *Package {
	t.Helper()
	file, err := makePackage()
	if err != nil {
		t.Fatal(err)
	}
	p := &Package{t: t, file: file, root: t.TempDir()}
	p.tool("dpkg-deb", "-x", p.file, p.root)
	return p
}

// tool runs a program to its end and returns what it printed.
func (p *Package) tool(name string, args ...string) string {
	p.t.Helper()
	var stderr strings.Builder
	command := exec.Command(name, args...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// field is a field of the package's description.
func (p *Package) field(name string) string {
	p.t.Helper()
	return p.tool("dpkg-deb", "-f", p.file, name)
}

func (p *Package) path(elements ...string) string {
	return filepath.Join(append([]string{p.root, "usr"}, elements...)...)
}

// command is the packaged program for somebody who has no files and no card yet.
func (p *Package) command(env []string, args ...string) *exec.Cmd {
	home := p.t.TempDir()
	command := exec.Command(p.path("bin", "touchstone"), args...)
	command.Env = append(env, "HOME="+home, "PCSCLITE_CSOCK_NAME="+filepath.Join(home, "no-card"))
	return command
}

func TestThePackagedProgramOpensItsWindow(t *testing.T) {
	p := unpackPackage(t)
	out, err := p.command(nil, "version").Output()
	if want := "Touchstone " + p.field("Version") + " "; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("the version is %q (%v), want %q", out, err, want)
	}
	display := startDisplay(t, 1280, 800)
	startProcess(t, p.command(append(display.env(), "LIBGL_ALWAYS_SOFTWARE=1")))
	eventually(t, waitLimit, "the window is open", func() error {
		id, err := display.FindWindow("Touchstone")
		if err != nil {
			return err
		}
		class, err := display.output("xprop", "-id", id, "WM_CLASS")
		if err == nil && !strings.Contains(class, `"Touchstone"`) { // StartupWMClass of the desktop entry
			err = fmt.Errorf("it has the class %s", class)
		}
		return err
	})
}

func TestThePackagedProgramSaysThatItNeedsADisplay(t *testing.T) {
	p := unpackPackage(t)
	out, err := p.command(nil).CombinedOutput()
	if want := "There is no display to open a window on."; err == nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("it ended with %v and %q, want a failure and %q", err, out, want)
	}
}

func TestThePackageDeclaresWhatItNeeds(t *testing.T) {
	p := unpackPackage(t)
	for field, want := range map[string][]string{
		"Depends":    {"libc6", "libpcsclite1", "libgl1", "libx11-6", "libxcursor1"},
		"Recommends": {"pcscd", "libgl1-mesa-dri"},
	} {
		got := p.field(field)
		for _, name := range want {
			if !regexp.MustCompile(`(^|, )` + name + `($|[ ,])`).MatchString(got) {
				t.Errorf("%s is %q, want %s in it", field, got, name)
			}
		}
	}
}

func TestThePackageFitsIntoADesktop(t *testing.T) {
	p := unpackPackage(t)
	p.tool("desktop-file-validate", p.path("share", "applications", appID+".desktop"))
	p.tool("appstreamcli", "validate-tree", "--no-net", p.root)
	for _, size := range []int{16, 32, 48, 64, 128, 256, 512} {
		file, err := os.Open(p.path("share", "icons", "hicolor", fmt.Sprintf("%dx%[1]d", size), "apps", appID+".png"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if icon, err := png.DecodeConfig(file); err != nil || icon.Width != size || icon.Height != size {
			t.Errorf("the icon for %d pixels has %d×%d (%v)", size, icon.Width, icon.Height, err)
		}
	}
}

func TestTheManualKnowsEveryCommand(t *testing.T) {
	p := unpackPackage(t)
	file, err := os.Open(p.path("share", "man", "man1", "touchstone.1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	manual, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	help, err := p.command(nil, "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z-]+) `).FindAllSubmatch(help, -1)
	if len(commands) == 0 {
		t.Fatalf("the help names no command:\n%s", help)
	}
	for _, c := range commands {
		if !regexp.MustCompile(`(?m)^\.B[RI]* "?` + string(c[1]) + `( |$)`).Match(manual) {
			t.Errorf("packaging/linux/touchstone.1 says nothing of %q", c[1])
		}
	}
}
