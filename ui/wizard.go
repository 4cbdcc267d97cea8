package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// wizardWidth is the width of a wizard page's content, and with it of its fields.
const wizardWidth float32 = 540

// stage is a step of the first run, in order.
type stage int

const (
	stageService stage = iota
	stageKey
	stagePIN
	stagePUK
	stageCluster
	stageSignIn
	stages // how many there are
)

// wizard is the first run: smart-card service, key, PIN, PUK, cluster, sign-in. A key whose PIN was chosen before
// skips PIN and PUK.
type wizard struct {
	work
	at       stage
	page     page
	keyState keystore.Snapshot
	state    session.Snapshot
	card     keystore.CardState // the key chosen
	needsPIN bool               // that key has its factory PIN
	pin      *secret.Bytes      // between the PIN page and the PUK page
	cluster  session.Cluster
	finish   func(clusterID string)
	canvas   fyne.Canvas

	root    *fyne.Container
	stepper *widget.Stepper
	title   *widget.Text
	text    *widget.Paragraph
	body    *fyne.Container
	back    *widget.Button
	next    *widget.Button
}

func newWizard(w work, canvas fyne.Canvas, finish func(clusterID string)) *wizard {
	z := &wizard{work: w, canvas: canvas, finish: finish}
	z.changed, z.width = z.refresh, wizardWidth
	z.keyState, z.state = w.keys.Snapshot(), w.sessions.Snapshot()
	z.stepper = widget.NewStepper()
	z.title = widget.NewText("", widget.Title)
	z.text = widget.NewParagraph("", widget.Muted, wizardWidth)
	z.body = container.NewStack()
	z.back = widget.NewButton("Back", widget.Secondary, z.goBack)
	z.next = widget.NewButton("Continue", widget.Primary, z.submit)
	z.root = z.frame()
	z.turn(stageService)
	return z
}

func (z *wizard) frame() *fyne.Container {
	brand := widget.Row(9, widget.NewIcon(assets.IconShield, widget.ColorAccent, 22), widget.NewText("Set up Touchstone", widget.Brand))
	steps := widget.Inset(26, 18, 20, 22, container.NewVBox(brand, widget.Inset(22, 0, 0, 0, z.stepper)))
	side := widget.AtLeast(264, 0, widget.NewBox(widget.SidePan, steps))
	form := container.NewVBox(z.title, z.text, widget.Inset(18, 0, 0, 0, z.body))
	foot := widget.Ends(z.back, z.next)
	main := container.NewBorder(nil, foot, nil, nil, container.NewHBox(form, layout.NewSpacer()))
	return container.NewBorder(nil, nil, widget.Row(0, side, widget.NewHairline()), nil, widget.Inset(38, 44, 30, 44, main))
}

// turn goes to a stage, or past it when it has nothing to ask.
func (z *wizard) turn(to stage) {
	for z.skips(to) {
		to++
	}
	if z.page != nil {
		z.page.close()
	}
	z.at = to
	z.page = z.newPage(to)
	z.body.Objects = []fyne.CanvasObject{z.page.content()}
	z.page.show(z.state, z.keyState)
	z.refresh()
	if f := z.page.focus(); f != nil {
		z.canvas.Focus(f)
	}
}

func (z *wizard) skips(s stage) bool {
	switch s {
	case stageService:
		return z.keyState.Problem == nil
	case stagePIN, stagePUK:
		return !z.needsPIN || z.keyIsSet()
	default:
		return false
	}
}

// keyIsSet says that the chosen key no longer has its factory PIN.
func (z *wizard) keyIsSet() bool {
	for _, card := range z.keyState.Cards {
		if card.Serial == z.card.Serial {
			return card.Known && !card.PINIsDefault
		}
	}
	return false
}

func (z *wizard) newPage(s stage) page {
	switch s {
	case stageService:
		return newServicePage(z.work)
	case stageKey:
		return newKeyPage(z.work, z.chooseKey)
	case stagePIN:
		return newPINPage(z.work, z.choosePIN)
	case stagePUK:
		return newPUKPage(z.work, z.card, z.pin, func() { z.turn(stageCluster) })
	case stageCluster:
		return newAddressPage(z.work, z.chooseCluster)
	default:
		return newSignInPage(z.work, z.cluster, func() { z.finish(z.cluster.ID) })
	}
}

func (z *wizard) chooseKey(card keystore.CardState) {
	z.card, z.needsPIN = card, card.Known && card.PINIsDefault
	z.turn(stagePIN)
}

func (z *wizard) choosePIN(pin *secret.Bytes) {
	z.pin.Wipe()
	z.pin = pin
	z.turn(stagePUK)
}

func (z *wizard) chooseCluster(id string) {
	z.cluster, _ = findCluster(z.sessions.Snapshot(), id)
	z.turn(stageSignIn)
}

func (z *wizard) goBack() {
	to := z.at - 1
	for to > stageService && z.skips(to) {
		to--
	}
	z.turn(to)
}

func (z *wizard) submit() { z.page.submit() }

// show follows the world: a smart-card service that comes up, a key that is plugged in.
func (z *wizard) show(s session.Snapshot, k keystore.Snapshot) {
	z.state, z.keyState = s, k
	switch {
	case k.Problem != nil && z.at == stageKey:
		z.turn(stageService)
	case k.Problem == nil && z.at == stageService:
		z.turn(stageKey)
	default:
		z.page.show(s, k)
		z.refresh()
	}
}

func (z *wizard) refresh() {
	if z.page == nil {
		return // the page is still being made
	}
	title, text := z.page.head()
	z.title.SetText(title)
	z.text.SetText(text)
	label, enabled := z.page.next()
	z.next.SetText(label)
	z.next.SetDisabled(!enabled)
	z.back.Hidden = z.at <= stageKey
	z.stepper.Set(wizardSteps(z.at, z.card, z.needsPIN, z.cluster))
	z.root.Refresh()
}

// key answers what no control had a use for.
func (z *wizard) key(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		z.submit()
	case fyne.KeyEscape:
		if !z.back.Hidden {
			z.goBack()
		}
	}
}

func (z *wizard) close() {
	z.page.close()
	z.pin.Wipe()
}

// wizardSteps is the list at the left. PIN and PUK are left out for a key that needs neither.
func wizardSteps(at stage, card keystore.CardState, needsPIN bool, cluster session.Cluster) []widget.Step {
	titles := [stages]widget.Step{
		{Title: "Smart-card service", Detail: "Talks to the key"},
		{Title: "Security key"},
		{Title: "Choose a PIN", Detail: "6 to 8 characters"},
		{Title: "Choose a PUK", Detail: "To unblock the PIN"},
		{Title: "Cluster", Detail: cluster.Name},
		{Title: "Sign in"},
	}
	if at > stageService {
		titles[stageService].Detail = "Running"
	}
	if card.Serial != 0 {
		titles[stageKey].Detail = cardName(card.CardID)
	}
	var steps []widget.Step
	for s, step := range titles {
		if (stage(s) == stagePIN || stage(s) == stagePUK) && !needsPIN && at > stageKey {
			continue
		}
		switch {
		case stage(s) < at:
			step.State = widget.StepDone
		case stage(s) == at:
			step.State = widget.StepNow
		}
		steps = append(steps, step)
	}
	return steps
}
