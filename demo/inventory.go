package demo

import (
	"cmp"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// entry is one resource in a list.
type entry struct {
	kind     kind
	name     string
	labels   map[string]string
	keys     map[string]string // what it can be sorted by, by field
	resource *authpb.PaginatedResource
}

// listed are the kinds that can be listed, with the fields that they can be sorted by (gRPC sheet, 6.1). This cluster
// has nothing of those without fields; their lists are empty.
var listed = map[string][]string{
	wire.KindNode:             {"name", "hostname", "address"},
	wire.KindDatabaseServer:   {"name", "description", "type"},
	wire.KindAppServer:        {"name", "description", "publicAddress"},
	"db_service":              nil,
	kindKubeCluster:           {"name"},
	wire.KindKubeServer:       {"name", "description"},
	"windows_desktop":         nil,
	"windows_desktop_service": nil,
	"user_group":              nil,
}

// checkList refuses what cannot be listed.
func checkList(r *authpb.ListResourcesRequest) error {
	fields, ok := listed[r.ResourceType]
	sort := r.SortBy.GetField()
	switch {
	case r.Limit <= 0:
		return refuse(badParameter, "nonpositive parameter limit")
	case !ok:
		return refuse(notImplemented, "resource type %s does not support pagination", r.ResourceType)
	case r.PredicateExpression != "":
		return refuse(badParameter, "predicate expressions are not supported by this cluster")
	case sort != "" && fields != nil && !slices.Contains(fields, sort):
		return refuse(notImplemented, "sorting by field %q for resource %s is not supported", sort, r.ResourceType)
	}
	return nil
}

// list returns one page of the entries that the caller may see.
func list(entries []entry, granted *access, r *authpb.ListResourcesRequest) *authpb.ListResourcesResponse {
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return !granted.sees(e.kind, e.labels) || !e.hasLabels(r.Labels) || !e.hasKeywords(r.SearchKeywords)
	})
	field := cmp.Or(r.SortBy.GetField(), "name")
	slices.SortFunc(entries, func(a, b entry) int {
		order := cmp.Or(cmp.Compare(a.keys[field], b.keys[field]), cmp.Compare(a.name, b.name))
		if r.SortBy.GetIsDesc() {
			return -order
		}
		return order
	})
	return page(entries, r)
}

// page cuts a sorted list. The key of a page is the name of its first entry.
func page(entries []entry, r *authpb.ListResourcesRequest) *authpb.ListResourcesResponse {
	response := &authpb.ListResourcesResponse{}
	if r.NeedTotalCount || r.SortBy.GetField() != "" || r.ResourceType == kindKubeCluster {
		response.TotalCount = int32(len(entries))
	}
	if r.StartKey != "" {
		start := slices.IndexFunc(entries, func(e entry) bool { return e.name == r.StartKey })
		if start < 0 {
			start = len(entries)
		}
		entries = entries[start:]
	}
	if len(entries) > int(r.Limit) {
		response.NextKey = entries[r.Limit].name
		entries = entries[:r.Limit]
	}
	for _, e := range entries {
		response.Resources = append(response.Resources, e.resource)
	}
	return response
}

func (e *entry) hasLabels(want map[string]string) bool {
	for name, value := range want {
		if have, ok := e.labels[name]; !ok || have != value {
			return false
		}
	}
	return true
}

// hasKeywords reports whether every keyword is somewhere in the entry, in upper or lower case.
func (e *entry) hasKeywords(keywords []string) bool {
	fields := []string{e.name}
	for _, value := range e.keys {
		fields = append(fields, value)
	}
	for name, value := range e.labels {
		fields = append(fields, name, value)
	}
	for _, keyword := range keywords {
		found := slices.ContainsFunc(fields, func(field string) bool {
			return strings.Contains(strings.ToLower(field), strings.ToLower(keyword))
		})
		if !found {
			return false
		}
	}
	return true
}
