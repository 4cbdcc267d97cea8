package assets

import (
	"bytes"
	"image/color"
	"image/png"
	"io/fs"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
)

func TestEveryAppIconHasTheSizeInItsName(t *testing.T) {
	for _, edge := range []int{16, 32, 48, 64, 128, 256, 512} {
		config, err := png.DecodeConfig(bytes.NewReader(AppIconAt(edge).Content()))
		if err != nil {
			t.Fatalf("decoding the icon of %d pixels: %v", edge, err)
		}
		if config.Width != edge || config.Height != edge {
			t.Errorf("AppIconAt(%d) is %d x %d", edge, config.Width, config.Height)
		}
	}
}

func TestTheTrayHasADifferentIconForEachState(t *testing.T) {
	seen := map[string]bool{}
	for _, icon := range []fyne.Resource{TraySignedIn, TrayTouch, TraySignedOut} {
		config, err := png.DecodeConfig(bytes.NewReader(icon.Content()))
		if err != nil {
			t.Fatalf("decoding %s: %v", icon.Name(), err)
		}
		if config.Width != 64 || config.Height != 64 {
			t.Errorf("%s is %d x %d", icon.Name(), config.Width, config.Height)
		}
		seen[string(icon.Content())] = true
	}
	if len(seen) != 3 {
		t.Errorf("three states have %d pictures", len(seen))
	}
}

func TestIconsTakeTheColourTheyAreAskedFor(t *testing.T) {
	red := color.NRGBA{R: 0xff, A: 0xff}
	for _, icon := range allIcons(t) {
		content := string(icon.In(red).Content())
		if strings.Contains(content, "currentColor") || !strings.Contains(content, "#ff0000") {
			t.Errorf("icon %s did not take the colour", icon)
		}
	}
	if IconKey.In(red) != IconKey.In(red) {
		t.Error("the same icon in the same colour is another resource")
	}
}

func TestRoundedRectanglesNameBothRadii(t *testing.T) {
	names, err := fs.Glob(files, "icon/*.svg")
	if err != nil || len(names) == 0 {
		t.Fatalf("listing icons: %d found, %v", len(names), err)
	}
	for _, name := range names {
		content := resource(name).Content()
		if bytes.Count(content, []byte(" rx=")) != bytes.Count(content, []byte(" ry=")) {
			t.Errorf("%s has a rectangle with one radius: the renderer would draw it square", name)
		}
	}
}

func TestEachFontCarriesItsLicence(t *testing.T) {
	for _, family := range []string{"Inter", "JetBrainsMono"} {
		licence := resource("font/" + family + "-LICENSE.txt").Content()
		if !bytes.Contains(licence, []byte("SIL OPEN FONT LICENSE Version 1.1")) {
			t.Errorf("the licence of %s is not the one it was published under", family)
		}
	}
}

func allIcons(t *testing.T) []Icon {
	t.Helper()
	return []Icon{
		IconAlert, IconCheck, IconChevron, IconClose, IconCopy, IconDatabase, IconEye, IconEyeOff, IconGlobe, IconInfo, IconKey, IconLock,
		IconPlug, IconPlus, IconRefresh, IconSearch, IconServer, IconShield, IconSignOut, IconStar,
		IconStarFull, IconTerminal, IconWindow,
	}
}
