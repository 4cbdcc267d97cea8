package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// addressPage asks where the cluster is and reaches it.
type addressPage struct {
	work
	address, caFile *widget.Field
	problem         *banner
	done            func(clusterID string)
	cancel          context.CancelFunc // set while the cluster is being reached
}

func newAddressPage(w work, done func(clusterID string)) *addressPage {
	p := &addressPage{work: w, done: done, problem: newBanner(w.width, nil)}
	p.problem.changed = w.changed
	p.address = widget.NewField("Cluster address", "teleport.example.com:443")
	p.caFile = widget.NewField("CA file", "only for a cluster with its own certificate authority")
	p.address.SetText(w.welcome.Address)
	p.caFile.SetText(w.welcome.CAFile)
	p.address.OnChanged = func(string) { p.changed() }
	return p
}

func (p *addressPage) head() (string, string) {
	return "Which cluster?", "The address of its web proxy. It is remembered; the connection is always verified."
}

func (p *addressPage) content() fyne.CanvasObject {
	return widget.Column(widget.SpaceM,
		labelled("Cluster address", p.address),
		labelled("CA certificate file (optional)", p.caFile),
		p.problem.box,
	)
}

func (p *addressPage) focus() fyne.Focusable { return p.address }

func (p *addressPage) next() (string, bool) {
	if p.cancel != nil {
		return "Connecting…", false
	}
	return "Continue", strings.TrimSpace(p.address.Text) != ""
}

func (p *addressPage) submit() {
	if _, enabled := p.next(); !enabled {
		return
	}
	p.problem.show(nil)
	address, caFile := strings.TrimSpace(p.address.Text), strings.TrimSpace(p.caFile.Text)
	var id string
	p.cancel = p.loop.run(func(ctx context.Context) (err error) {
		id, err = p.sessions.AddCluster(ctx, address, caFile)
		return err
	}, func(err error) {
		p.cancel = nil
		p.problem.showError(err)
		p.changed()
		if err == nil {
			p.done(id)
		}
	})
	p.changed()
}

func (p *addressPage) show(session.Snapshot, keystore.Snapshot) {}

func (p *addressPage) close() {
	if p.cancel != nil {
		p.cancel()
	}
}

// The widths of a sign-in that runs: of its steps, and of these beside what is asked of the person.
const (
	stepsWidth  float32 = 216
	signInWidth         = stepsWidth + widget.SpaceXL + gestureWidth
)

// signInPage asks for user and password and then shows how the sign-in goes on.
type signInPage struct {
	work
	cluster  session.Cluster
	user     *widget.Field
	password *secretField
	problem  *banner
	form     *fyne.Container
	progress *fyne.Container
	stepper  *widget.Stepper
	gestures *gestureList
	unmet    *widget.Paragraph
	done     func()
	cancel   context.CancelFunc // set while a sign-in runs
}

func newSignInPage(w work, cluster session.Cluster, done func()) *signInPage {
	p := &signInPage{work: w, cluster: cluster, done: done, problem: newBanner(w.width, nil)}
	p.problem.changed = w.changed
	p.user = widget.NewField("User", "name on the cluster")
	p.password = newSecretField("Password", maxPassword)
	p.user.SetText(cluster.User)
	if cluster.User == "" {
		p.user.SetText(w.welcome.User)
	}
	p.password.entry.SetBytes([]byte(w.welcome.Password))
	p.user.OnChanged = func(string) { p.changed() }
	p.password.entry.OnChanged = w.changed
	p.stepper, p.gestures = widget.NewStepperFor(stepsWidth), newGestureList()
	p.unmet = widget.NewParagraph("", widget.Small, w.width)
	return p
}

func (p *signInPage) head() (string, string) {
	if p.cancel != nil {
		return "Signing in to " + p.cluster.Name, "You can cancel at any time. The password is typed once, even when it takes two rounds."
	}
	return "Sign in to " + p.cluster.Name, p.cluster.Proxy
}

func (p *signInPage) content() fyne.CanvasObject {
	p.form = widget.Column(widget.SpaceM, labelled("User", p.user), labelled("Password", p.password.entry))
	if p.welcome.Note != "" {
		p.form.Add(widget.NewParagraph(p.welcome.Note, widget.Small, p.width))
	}
	both := widget.Row(widget.SpaceXL, widget.AtLeast(stepsWidth, 0, p.stepper), container.NewVBox(p.gestures.root))
	p.progress = widget.Column(widget.SpaceL, both, p.unmet)
	p.reveal()
	return widget.Column(widget.SpaceM, p.form, p.progress, p.problem.box)
}

// reveal shows the form or, while a sign-in runs, its steps.
func (p *signInPage) reveal() {
	if p.form == nil {
		return
	}
	p.form.Hidden = p.cancel != nil
	p.progress.Hidden = p.cancel == nil
}

func (p *signInPage) focus() fyne.Focusable {
	if p.cancel != nil {
		return nil
	}
	if p.user.Text == "" {
		return p.user
	}
	return p.password.entry
}

func (p *signInPage) next() (string, bool) {
	switch {
	case p.cancel != nil:
		return "Signing in…", false
	case p.problem.fault != nil:
		return "Try again", p.filled()
	default:
		return "Sign in", p.filled()
	}
}

func (p *signInPage) filled() bool {
	return strings.TrimSpace(p.user.Text) != "" && p.password.entry.Len() > 0
}

// submit starts the sign-in with a copy of the password: the field keeps its own, so that trying again after a missed
// touch does not ask for it once more.
func (p *signInPage) submit() {
	if _, enabled := p.next(); !enabled {
		return
	}
	p.problem.show(nil)
	p.stepper.Set(nil)
	p.gestures.show(nil)
	p.unmet.SetText("")
	user, password := strings.TrimSpace(p.user.Text), p.password.take()
	p.cancel = p.loop.run(func(ctx context.Context) error {
		return p.sessions.SignIn(ctx, p.cluster.ID, user, password, 0)
	}, p.finish)
	p.reveal()
	p.changed()
}

func (p *signInPage) finish(err error) {
	p.cancel = nil
	p.problem.showError(err)
	if err == nil {
		p.password.wipe()
		p.done()
		return
	}
	p.reveal()
	p.changed()
}

// show follows the steps of the running sign-in.
func (p *signInPage) show(s session.Snapshot, _ keystore.Snapshot) {
	c, found := findCluster(s, p.cluster.ID)
	if !found || c.SignIn == nil || p.cancel == nil {
		return
	}
	p.stepper.Set(signInSteps(*c.SignIn))
	p.gestures.show(c.SignIn.Gestures)
	p.unmet.SetText(unmetText(c.Name, c.SignIn.Unmet))
	p.changed()
}

func (p *signInPage) close() {
	if p.cancel != nil {
		p.cancel()
	}
	p.password.wipe()
}

// loginDialog leads from an address, or from a known cluster, to a session.
type loginDialog struct {
	work
	modals *modals
	card   *modal
	page   page
	title  *widget.Text
	text   *widget.Paragraph
	body   *fyne.Container
	next   *widget.Button
	finish func(clusterID string)
	closed func()
}

// newLoginDialog opens the dialog at the sign-in of cluster, or at the address when cluster has no ID.
func newLoginDialog(w work, m *modals, cluster session.Cluster, finish func(clusterID string), closed func()) *loginDialog {
	d := &loginDialog{work: w, modals: m, finish: finish, closed: closed, body: container.NewStack()}
	d.width = signInWidth
	d.changed = d.refresh
	d.title = widget.NewText("", widget.Heading)
	d.text = widget.NewParagraph("", widget.Muted, signInWidth)
	d.next = widget.NewButton("", widget.Primary, func() { d.page.submit() })
	cancel := widget.NewButton("Cancel", widget.Secondary, d.close)
	foot := widget.Ends(nil, widget.Row(10, cancel, d.next))
	d.card = &modal{
		content: widget.Column(18, widget.Column(5, d.title, d.text), d.body, foot),
		focus:   func() fyne.Focusable { return d.page.focus() },
		submit:  func() { d.page.submit() },
		cancel:  d.close,
	}
	if cluster.ID == "" {
		d.turn(newAddressPage(d.work, d.reached))
	} else {
		d.turn(d.signInPage(cluster))
	}
	m.show(d.card)
	return d
}

func (d *loginDialog) signInPage(cluster session.Cluster) page {
	return newSignInPage(d.work, cluster, func() {
		d.close()
		d.finish(cluster.ID)
	})
}

// reached goes on to the sign-in once the cluster has answered.
func (d *loginDialog) reached(id string) {
	cluster, _ := findCluster(d.sessions.Snapshot(), id)
	d.turn(d.signInPage(cluster))
	d.modals.focusOn(d.card)
}

// turn shows another page.
func (d *loginDialog) turn(p page) {
	if d.page != nil {
		d.page.close()
	}
	d.page = p
	d.body.Objects = []fyne.CanvasObject{p.content()}
	d.refresh()
}

func (d *loginDialog) refresh() {
	if d.page == nil {
		return // the page is still being made
	}
	title, text := d.page.head()
	d.title.SetText(title)
	d.text.SetText(text)
	label, enabled := d.page.next()
	d.next.SetText(label)
	d.next.SetDisabled(!enabled)
	d.card.refresh()
}

func (d *loginDialog) show(s session.Snapshot, k keystore.Snapshot) { d.page.show(s, k) }

func (d *loginDialog) close() {
	d.page.close()
	d.modals.hide(d.card)
	d.closed()
}
