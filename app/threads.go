//go:build !threadcheck

package app

// fyneMigrations tells Fyne that widgets are changed on its thread only, so that it need not check every call.
func fyneMigrations() map[string]bool { return map[string]bool{"fyneDo": true} }
