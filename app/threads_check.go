//go:build threadcheck

package app

// fyneMigrations promises nothing, so that Fyne checks every call and complains in the log about each one from the
// wrong thread. The end-to-end tests build this once, without the tag migrated_fynedo, which promises the same.
func fyneMigrations() map[string]bool { return nil }
