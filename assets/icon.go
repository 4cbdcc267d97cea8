package assets

import (
	"bytes"
	"fmt"
	"image/color"
	"sync"

	"fyne.io/fyne/v2"
)

// Icon names one line icon. All are drawn on a grid of 24 in one stroke width and take their colour from In.
type Icon string

// The icons.
const (
	IconAlert    Icon = "alert"
	IconCheck    Icon = "check"
	IconChevron  Icon = "chevron"
	IconClose    Icon = "close"
	IconCopy     Icon = "copy"
	IconCube     Icon = "cube"
	IconDatabase Icon = "database"
	IconEye      Icon = "eye"
	IconEyeOff   Icon = "eye-off"
	IconGlobe    Icon = "globe"
	IconInfo     Icon = "info"
	IconKey      Icon = "key"
	IconLock     Icon = "lock"
	IconPlug     Icon = "plug"
	IconPlus     Icon = "plus"
	IconRefresh  Icon = "refresh"
	IconSearch   Icon = "search"
	IconServer   Icon = "server"
	IconShield   Icon = "shield"
	IconSignOut  Icon = "signout"
	IconStar     Icon = "star"
	IconStarFull Icon = "star-full"
	IconTerminal Icon = "terminal"
	IconWindow   Icon = "window"
)

// tinted caches icons by name and colour: a list of a thousand rows shares one resource. Guarded by tintedMu.
var (
	tintedMu sync.Mutex
	tinted   = map[string]fyne.Resource{}
)

// In returns the icon as an SVG in colour c. Equal arguments give the identical resource.
func (i Icon) In(c color.Color) fyne.Resource {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	name := fmt.Sprintf("icon-%s-%02x%02x%02x.svg", i, n.R, n.G, n.B)
	tintedMu.Lock()
	defer tintedMu.Unlock()
	if r, ok := tinted[name]; ok {
		return r
	}
	source := resource("icon/" + string(i) + ".svg").Content()
	hex := fmt.Appendf(nil, "#%02x%02x%02x", n.R, n.G, n.B)
	r := fyne.NewStaticResource(name, bytes.ReplaceAll(source, []byte("currentColor"), hex))
	tinted[name] = r
	return r
}
