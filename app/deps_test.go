package app

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/touchstone-app/touchstone"

// importRule forbids packages to one room. A room is a folder and everything below it; tests are exempt, because a
// room is tested against the world that it must not know.
type importRule struct {
	room      string
	except    []string // folders below room with rules of their own
	forbidden []string // import path prefixes; ours are relative to the module
	reason    string
}

var importRules = []importRule{
	{room: "ui", except: []string{"ui/widget", "ui/term"}, forbidden: []string{"./app", "./demo", "./keystore/virtual", "./session/teleport", "./internal/wire", "net", "crypto", "google.golang.org", "github.com/go-piv", "fyne.io/fyne/v2/app"}, reason: "the window decides nothing: it renders snapshots and forwards intentions"},
	{room: "ui/widget", forbidden: []string{"./app", "./demo", "./session", "./keystore", "./internal/wire", "net", "os", "crypto", "fyne.io/fyne/v2/app"}, reason: "widgets are reusable shapes that know no cluster and no key"},
	{room: "ui/term", forbidden: []string{"./app", "./demo", "./session", "./keystore", "./internal", "net", "os", "crypto", "fyne.io/fyne/v2/app"}, reason: "a terminal shows bytes, wherever they come from"},
	{room: "session", except: []string{"session/teleport", "session/localproxy"}, forbidden: []string{"./app", "./ui", "./demo", "./keystore/virtual", "fyne.io", "github.com/go-piv"}, reason: "sessions must work without a window, and must not share code with the cluster they are tested on"},
	{room: "session/teleport", forbidden: []string{"./app", "./ui", "./demo", "./keystore", "./session", "fyne.io", "github.com/go-piv"}, reason: "the protocol client is stateless: it is handed a crypto.Signer"},
	{room: "session/localproxy", forbidden: []string{"./app", "./ui", "./demo", "./keystore", "./session", "fyne.io", "google.golang.org", "github.com/go-piv"}, reason: "a local proxy is handed a source of certificates and a way, and asks no further"},
	{room: "keystore", except: []string{"keystore/virtual", "keystore/agent"}, forbidden: []string{"./app", "./ui", "./demo", "./session", "./keystore/virtual", "./internal/wire", "fyne.io", "google.golang.org", "net"}, reason: "keys do not know what a cluster is, and the client of a card must not share code with the card"},
	{room: "keystore/agent", forbidden: []string{"./app", "./ui", "./demo", "./session", "./keystore/virtual", "fyne.io", "github.com/go-piv"}, reason: "the key agent is a door for other programs: who signs and who asks is handed in"},
	{room: "keystore/virtual", forbidden: []string{"./", "github.com", "golang.org", "google.golang.org", "fyne.io"}, reason: "a device is independent of its clients: a mistake must not cancel itself out"},
	{room: "demo", forbidden: []string{"./app", "./ui", "./session", "./keystore", "fyne.io", "github.com/go-piv"}, reason: "the cluster is the other end of the wire: it shares message shapes, never code"},
	{room: "assets", forbidden: []string{"./app", "./ui", "./demo", "./session", "./keystore", "./internal"}, reason: "assets are bytes"},
	{room: "internal", forbidden: []string{"./app", "./ui", "./demo", "./session", "./keystore", "./assets", "fyne.io"}, reason: "the lowest floor carries everything and leans on nothing"},
	{room: "app/quiet", forbidden: []string{"./", "github.com", "golang.org", "fyne.io"}, reason: "it must be initialised before Fyne, so it may wait for nothing but the standard library"},
	{room: "e2e", forbidden: []string{"./app", "./ui", "./session"}, reason: "a black-box test sees what a person sees"},
}

// ownersOfLibraries names the only rooms that may use a library at all.
var ownersOfLibraries = map[string][]string{
	"github.com/go-piv/piv-go": {"keystore"},
	"github.com/creack/pty":    {"demo", "internal/program"}, // the shells of servers, and programs of this computer
	"github.com/godbus/dbus":   {"app"},
}

// goPackage is what "go list" says of a package.
type goPackage struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
	CgoFiles        []string
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range listPackages(t) {
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, rule := range importRules {
			if !inRoom(folder, rule.room) || inAnyRoom(folder, rule.except) {
				continue
			}
			for _, path := range p.Imports {
				if name, ok := forbiddenBy(rule, folder, path); ok {
					t.Errorf("%s imports %s, which %s may not: %s", folder, path, name, rule.reason)
				}
			}
		}
		for library, owners := range ownersOfLibraries {
			for _, path := range p.Imports {
				if hasPrefix(path, library) && !inAnyRoom(folder, owners) {
					t.Errorf("%s imports %s, which belongs to %s alone", folder, path, strings.Join(owners, " and "))
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range listPackages(t) {
		documented := false
		files := append(p.GoFiles, p.CgoFiles...)
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || file.Doc != nil
		}
		if !documented && len(files) > 0 && !strings.HasSuffix(p.ImportPath, "pb") {
			t.Errorf("package %s has no comment that says what it owns", p.ImportPath)
		}
	}
}

func TestTheRulesCatchABreak(t *testing.T) {
	rule := importRules[0]
	for path, want := range map[string]bool{
		module + "/demo": true, "net/http": true, "crypto/tls": true, "network": false, module + "/session": false,
	} {
		if _, got := forbiddenBy(rule, "ui", path); got != want {
			t.Errorf("ui importing %s: forbidden is %v, want %v", path, got, want)
		}
	}
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,CgoFiles", module+"/...").Output()
	if err != nil {
		t.Fatalf("listing the packages: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatalf("reading the list of packages: %v", err)
		}
		list = append(list, p)
	}
}

func forbiddenBy(rule importRule, folder, path string) (room string, forbidden bool) {
	for _, f := range rule.forbidden {
		full := f
		if ours, ok := strings.CutPrefix(f, "./"); ok {
			full = strings.TrimSuffix(module+"/"+ours, "/")
		}
		if hasPrefix(path, full) && !hasPrefix(path, module+"/"+rule.room) {
			return rule.room, true
		}
	}
	return "", false
}

func inAnyRoom(folder string, rooms []string) bool {
	for _, r := range rooms {
		if inRoom(folder, r) {
			return true
		}
	}
	return false
}

func inRoom(folder, room string) bool { return folder == room || strings.HasPrefix(folder, room+"/") }

// hasPrefix compares whole path elements, so that "net" covers "net/http" but not "network".
func hasPrefix(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
