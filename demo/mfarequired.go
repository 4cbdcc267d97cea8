package demo

import (
	"cmp"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// isMFARequired answers whether a session needs a check of its own (enforcement sheet, section 6). Whoever may not have
// the session is told no, so that nobody learns what there is.
func (s *authService) isMFARequired(granted *access, r *authpb.IsMFARequiredRequest) (bool, error) {
	if s.profile < version15 && r.GetApp() != nil {
		return false, refuse(badParameter, "unknown Target <nil>") // a field that this version does not know
	}
	if granted.keyVerifies() && r.GetApp() == nil {
		return false, nil
	}
	switch {
	case granted.alwaysAsks():
		return true, nil
	case granted.neverAsks():
		return false, nil
	}
	entries, match, err := s.sessionTarget(granted, r)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if granted.decide(e.kind, e.labels, false, match...) == errSessionMFA {
			return true, nil
		}
	}
	return false, nil
}

// sessionTarget finds what a session would be with, and the conditions besides its labels.
func (s *authService) sessionTarget(granted *access, r *authpb.IsMFARequiredRequest) ([]entry, []matcher, error) {
	switch to := r.GetTarget().(type) {
	case *authpb.IsMFARequiredRequest_Node:
		return s.nodeTarget(to.Node)
	case *authpb.IsMFARequiredRequest_Database:
		name := to.Database.GetServiceName()
		found, err := s.find(wire.KindDatabaseServer, name, "database service %q not found")
		return found, []matcher{hasDatabaseUser(to.Database.GetUsername()), hasDatabaseName(to.Database.GetDatabase())}, err
	case *authpb.IsMFARequiredRequest_KubernetesCluster:
		kind := wire.KindKubeServer
		if !s.profile.kubeServers() {
			kind = kindKubeCluster
		}
		found, err := s.find(kind, to.KubernetesCluster, "kubernetes cluster %q not found")
		return found, nil, err
	case *authpb.IsMFARequiredRequest_App:
		found, err := s.find(wire.KindAppServer, cmp.Or(to.App.GetName(), to.App.GetPublicAddr()), "app %q not found")
		return found, nil, err
	default:
		return nil, nil, refuse(badParameter, "unknown Target %T", to)
	}
}

// nodeTarget finds servers by UUID or host name. One that is not there needs no check: there will be no session.
func (s *authService) nodeTarget(to *authpb.NodeLogin) ([]entry, []matcher, error) {
	switch {
	case to.GetNode() == "":
		return nil, nil, refuse(badParameter, "empty Node field")
	case to.GetLogin() == "":
		return nil, nil, refuse(badParameter, "empty Login field")
	}
	var found []entry
	for _, e := range s.inventory[wire.KindNode]() {
		if e.name == to.Node || e.keys["hostname"] == to.Node {
			found = append(found, e)
		}
	}
	match := []matcher{hasLogin(to.Login)}
	if to.Login == wire.JoinPrincipal {
		match = nil // joining is open to whoever may see the server
	}
	return found, match, nil
}

// find returns the resource of that name; missing is how it is refused that there is none.
func (s *authService) find(kind, name, missing string) ([]entry, error) {
	inventory := s.inventory[kind]
	if inventory != nil {
		for _, e := range inventory() {
			if e.name == name || e.keys["publicAddress"] == name {
				return []entry{e}, nil
			}
		}
	}
	return nil, refuse(notFound, missing, name)
}
