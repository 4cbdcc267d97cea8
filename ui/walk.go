package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// visit walks the visible controls below o, in the order in which Tab goes through them.
func visit(o fyne.CanvasObject, each func(widget.Described)) {
	if o == nil || !o.Visible() {
		return
	}
	if described, ok := o.(widget.Described); ok {
		each(described)
	}
	for _, child := range children(o) {
		visit(child, each)
	}
}

// children are the objects directly inside another one, as far as controls can be among them.
func children(o fyne.CanvasObject) []fyne.CanvasObject {
	switch parent := o.(type) {
	case *fyne.Container:
		return parent.Objects
	case *container.ThemeOverride:
		return []fyne.CanvasObject{parent.Content}
	case *container.Scroll:
		return []fyne.CanvasObject{parent.Content}
	case widget.Holder:
		return parent.Inside()
	default:
		return nil
	}
}

// firstFocus is the first control that takes the keyboard; nil when there is none.
func firstFocus(o fyne.CanvasObject) fyne.Focusable {
	var first fyne.Focusable
	visit(o, func(d widget.Described) {
		if f, ok := d.(fyne.Focusable); ok && first == nil && !d.Describe().Disabled {
			first = f
		}
	})
	return first
}

// contains says whether an object is visible somewhere below root.
func contains(root, o fyne.CanvasObject) bool {
	if root == nil || !root.Visible() {
		return false
	}
	return root == o || slices.ContainsFunc(children(root), func(child fyne.CanvasObject) bool { return contains(child, o) })
}
