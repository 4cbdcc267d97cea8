// Package e2e tests what a person gets: the built program, in a real window, on a display of its own, driven by the
// keyboard and the mouse of the X server. It sees what a person sees and imports no room that it judges.
//
// Everything here has the build tag e2e. The same tag lets the window tell where its controls are (it reads, never
// acts); no other build of Touchstone has that door.
package e2e
