package demo

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// catalog is everything the resource files say at one moment. It never changes once loaded.
type catalog struct {
	profile profile // of the cluster
	users   map[string]*user
	roles   map[string]*role
	pref    *authPreference
}

// loadCatalog reads every *.yaml file of a folder. Errors are *ResourceError.
func loadCatalog(folder string) (*catalog, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("listing resources: %w", err)
	}
	c := &catalog{users: map[string]*user{}, roles: map[string]*role{}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			err = c.addFile(data)
		}
		if err != nil {
			return nil, &ResourceError{File: file, Err: err}
		}
	}
	if err := c.checkReferences(); err != nil {
		return nil, &ResourceError{File: folder, Err: err}
	}
	return c, nil
}

func (c *catalog) addFile(data []byte) error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return yamlError(err)
	}
	empty := true
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		empty = false
		if err := c.addDocument(doc.Body); err != nil {
			return err
		}
	}
	if empty { // perhaps an editor is just writing it
		return errors.New("there is no resource in it")
	}
	return nil
}

func (c *catalog) addDocument(body ast.Node) error {
	var h header
	if err := yaml.NodeToValue(body, &h); err != nil {
		return yamlError(err)
	}
	if err := h.check(); err != nil {
		return err
	}
	var err error
	switch h.Kind {
	case "role":
		err = addResource(body, c.roles, h, (*role).check)
	case "user":
		err = addResource(body, c.users, h, (*user).check)
	default:
		one := map[string]*authPreference{}
		if c.pref != nil {
			one[h.Metadata.Name] = c.pref
		}
		err = addResource(body, one, h, (*authPreference).check)
		c.pref = one[h.Metadata.Name]
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", h.Kind, h.Metadata.Name, err)
	}
	return nil
}

func addResource[T any](body ast.Node, into map[string]*T, h header, check func(*T) error) error {
	if into[h.Metadata.Name] != nil {
		return errors.New("there is more than one")
	}
	value := new(T)
	if err := yaml.NodeToValue(body, value, yaml.Strict()); err != nil {
		return yamlError(err)
	}
	into[h.Metadata.Name] = value
	return check(value)
}

// yamlError keeps line, column and message, and leaves the quoted source out.
func yamlError(err error) error {
	return errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
}

func (c *catalog) checkReferences() error {
	if c.pref == nil {
		return errors.New("there is no cluster_auth_preference")
	}
	for _, u := range c.users {
		for _, name := range u.Spec.Roles {
			if c.roles[name] == nil {
				return fmt.Errorf("user %q: spec.roles: there is no role %q", u.Metadata.Name, name)
			}
		}
	}
	return nil
}

// sortedUsers returns the users in the order of their names.
func (c *catalog) sortedUsers() []*user {
	users := make([]*user, 0, len(c.users))
	for _, u := range c.users {
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b *user) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) })
	return users
}

// resources answers with what the files say now: like the backend of a real cluster, a change of a role holds from
// the next request on, also for certificates issued before.
type resources struct {
	folder  string
	profile profile
	log     *slog.Logger

	mu      sync.Mutex
	state   string   // of the files that current was loaded from
	current *catalog // guarded by mu, itself immutable
}

func openResources(folder string, p profile, log *slog.Logger) (*resources, error) {
	r := &resources{folder: folder, profile: p, log: log}
	state, err := r.look()
	if err != nil {
		return nil, fmt.Errorf("looking at the resources: %w", err)
	}
	c, err := r.load()
	if err != nil {
		return nil, err
	}
	r.state, r.current = state, c
	return r, nil
}

// catalog returns the present definitions. Files that cannot be used, perhaps because they are being edited, leave
// the last good definitions in force.
func (r *resources) catalog() *catalog {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, err := r.look()
	if err == nil && state == r.state {
		return r.current
	}
	var c *catalog
	if err == nil {
		c, err = r.load()
	}
	r.state = state
	if err != nil {
		r.log.Warn("keeping the last good resources", "err", err)
		return r.current
	}
	r.current = c
	return c
}

func (r *resources) load() (*catalog, error) {
	c, err := loadCatalog(r.folder)
	if err != nil {
		return nil, err
	}
	c.profile = r.profile
	return c, nil
}

// look describes the files without reading them: names, sizes and times of change.
func (r *resources) look() (string, error) {
	entries, err := os.ReadDir(r.folder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %d %d\n", info.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return b.String(), nil
}
