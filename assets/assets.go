// Package assets holds what the window shows besides words: fonts, icons and the application icon, embedded in the
// binary behind typed accessors. It knows Fyne's resource type and nothing else of the project.
package assets

import (
	"embed"
	"fmt"

	"fyne.io/fyne/v2"
)

//go:embed font icon
var files embed.FS

// The fonts: Inter for the interface, JetBrains Mono for terminals and addresses. Their licences lie beside them.
var (
	Regular     = resource("font/Inter-Regular.otf")
	SemiBold    = resource("font/Inter-SemiBold.otf")
	MonoRegular = plain(resource("font/JetBrainsMono-Regular.ttf"))
	MonoBold    = plain(resource("font/JetBrainsMono-Bold.ttf"))
)

// The pictures of a key: its contact at rest, and glowing because a touch is wanted.
var (
	YubiKey    = resource("icon/yubikey.svg")
	YubiKeyLit = resource("icon/yubikey-lit.svg")
)

// The tray's icons, as PNGs: signed in, a key waits to be touched, signed out of everything. The last two are drawn from
// the SVG of their name, scaled down from 512 pixels.
var (
	TraySignedIn  = AppIconAt(64)
	TrayTouch     = resource("icon/tray-touch.png")
	TraySignedOut = resource("icon/tray-signed-out.png")
)

// AppIcon is the application icon as a PNG, because trays and window managers show nothing for an SVG.
func AppIcon() fyne.Resource { return AppIconAt(256) }

// AppIconAt is the application icon with the given edge in pixels: 16, 32, 48, 64, 128, 256 or 512.
func AppIconAt(edge int) fyne.Resource {
	return resource(fmt.Sprintf("icon/app-%d.png", edge))
}

// resource panics on a name that is not embedded: the names are all in this package.
func resource(path string) *fyne.StaticResource {
	content, err := files.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("assets: %v", err))
	}
	return fyne.NewStaticResource(path, content)
}
