package vt

// sgrOn are the attributes of SGR 1 to 9.
var sgrOn = [10]Attr{1: Bold, 2: Faint, 3: Italic, 4: Underline, 5: Blink, 6: Blink, 7: Reverse, 8: Conceal, 9: Strike}

// sgrOff are the attributes that SGR 22 to 29 switch off.
var sgrOff = [10]Attr{2: Bold | Faint, 3: Italic, 4: underlines, 5: Blink, 7: Reverse, 8: Conceal, 9: Strike}

// sgr is SGR: colours and attributes of what is written next.
func (e *Emulator) sgr() {
	c := &e.parser.csi
	pen := &e.active.cur.pen
	if c.n == 0 {
		*pen = Cell{Link: pen.Link}
		return
	}
	for i := 0; i < c.n; i++ {
		p := c.params[i]
		switch {
		case p <= 0:
			*pen = Cell{Link: pen.Link}
		case p == 4:
			i += underline(c, i, pen)
		case p <= 9:
			pen.Attr |= sgrOn[p]
		case p == 21:
			pen.Attr |= Underline | DoubleUnderline
		case p >= 22 && p <= 29:
			pen.Attr &^= sgrOff[p-20]
		case p == 38 || p == 48 || p == 58: // 58 is the underline's colour: read, to know where it ends
			color, used, ok := extendedColor(c, i+1)
			i += used
			if ok {
				setColor(pen, p, color)
			}
		default:
			simpleColor(pen, p)
		}
		for c.isSub(i + 1) { // subparameters that nobody wanted
			i++
		}
	}
}

// underline handles SGR 4 with its style after a colon and returns how many parameters that took.
func underline(c *csi, i int, pen *Cell) int {
	pen.Attr &^= underlines
	if !c.isSub(i + 1) {
		pen.Attr |= Underline
		return 0
	}
	switch c.params[i+1] {
	case 0:
	case 2:
		pen.Attr |= Underline | DoubleUnderline
	case 3:
		pen.Attr |= Underline | CurlyUnderline
	default:
		pen.Attr |= Underline
	}
	return 1
}

func setColor(pen *Cell, p int32, color Color) {
	switch p {
	case 38:
		pen.FG = color
	case 48:
		pen.BG = color
	}
}

// simpleColor handles the colours that are one parameter.
func simpleColor(pen *Cell, p int32) {
	switch {
	case p >= 30 && p <= 37:
		pen.FG = Indexed(uint8(p - 30))
	case p == 39:
		pen.FG = 0
	case p >= 40 && p <= 47:
		pen.BG = Indexed(uint8(p - 40))
	case p == 49:
		pen.BG = 0
	case p >= 90 && p <= 97:
		pen.FG = Indexed(uint8(p - 90 + 8))
	case p >= 100 && p <= 107:
		pen.BG = Indexed(uint8(p - 100 + 8))
	}
}

// extendedColor reads a colour from parameter i on: 5;index, 2;r;g;b, and both with colons, where direct colour may
// have a colour space before its red (ISO 8613-6). It returns how many parameters belong to it, right or wrong.
func extendedColor(c *csi, i int) (color Color, used int, ok bool) {
	if i >= c.n {
		return 0, 0, false
	}
	args := c.params[i:c.n]
	if c.isSub(i) {
		n := 1
		for c.isSub(i + n) {
			n++
		}
		args = args[:n]
	}
	switch args[0] {
	case 5:
		if len(args) < 2 || args[1] > 255 {
			return 0, min(len(args), 2), false
		}
		return Indexed(uint8(max(args[1], 0))), 2, true
	case 2:
		at := 1
		if c.isSub(i) && len(args) >= 5 {
			at = 2
		}
		if len(args) < at+3 {
			return 0, len(args), false
		}
		r, g, b := args[at], args[at+1], args[at+2]
		if max(r, g, b) > 255 {
			return 0, at + 3, false
		}
		return RGB(uint8(max(r, 0)), uint8(max(g, 0)), uint8(max(b, 0))), at + 3, true
	}
	return 0, 1, false
}
