package session
type Shell struct{}
