package demo

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// selector chooses resources by their labels (enforcement sheet, 2.2).
type selector map[string]words

// words is a list of values; YAML may write a list of one as a scalar.
type words []string

// UnmarshalYAML reads a list or a scalar.
func (w *words) UnmarshalYAML(decode func(any) error) error {
	var list []string
	if decode(&list) == nil {
		*w = list
		return nil
	}
	var one string
	if err := decode(&one); err != nil {
		return err
	}
	*w = words{one}
	return nil
}

func (s selector) check() error {
	if values, ok := s["*"]; ok && !slices.Contains(values, "*") {
		return errors.New(`the key "*" only goes with the value "*"`)
	}
	for key, values := range s {
		for _, value := range values {
			if _, err := labelPattern(value); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			if _, err := expand(value, nil); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// matches reports whether every key of the selector is on the resource with one of the values. An empty selector
// matches nothing.
func (s selector) matches(labels map[string]string) bool {
	if slices.Contains(s["*"], "*") {
		return true
	}
	for key, values := range s {
		label, ok := labels[key]
		if !ok || !values.match(label) {
			return false
		}
	}
	return len(s) > 0
}

func (w words) match(label string) bool {
	return slices.ContainsFunc(w, func(value string) bool {
		pattern, err := labelPattern(value)
		return err == nil && pattern.MatchString(label)
	})
}

// labelPattern turns a value into an expression for the whole label: "^...$" is one already, anything else is a glob
// that knows "*" only.
func labelPattern(value string) (*regexp.Regexp, error) {
	if strings.HasPrefix(value, "^") && strings.HasSuffix(value, "$") {
		return regexp.Compile(value)
	}
	return regexp.Compile("^" + strings.ReplaceAll(regexp.QuoteMeta(value), `\*`, "(?s:.*)") + "$")
}

// template matches one reference to a trait, with what surrounds it (enforcement sheet, 2.3).
var template = regexp.MustCompile(`^(.*?)\{\{\s*(internal|external)\.([A-Za-z0-9_]+)\s*\}\}(.*)$`)

// expand replaces a reference to a trait by all values of that trait. A text without one is returned as it is.
func expand(text string, values traits) ([]string, error) {
	if !strings.Contains(text, "{{") {
		return []string{text}, nil
	}
	parts := template.FindStringSubmatch(text)
	if parts == nil || strings.Contains(parts[4], "{{") {
		return nil, fmt.Errorf("%q is not a template that is known here: use {{internal.<trait>}} or {{external.<trait>}}", text)
	}
	var expanded []string
	for _, value := range values[parts[3]] {
		expanded = append(expanded, parts[1]+value+parts[4])
	}
	return expanded, nil
}

// expandAll replaces the references in a list that was checked when it was loaded.
func expandAll(texts []string, values traits) []string {
	var all []string
	for _, text := range texts {
		expanded, _ := expand(text, values)
		all = append(all, expanded...)
	}
	return all
}

func (s selector) expand(values traits) selector {
	out := make(selector, len(s))
	for key, texts := range s {
		out[key] = expandAll(texts, values)
	}
	return out
}
