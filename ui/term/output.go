package term

import "sync"

// output brings bytes and sizes to the owner's callbacks on a goroutine of its own: the connection may be slow, the
// Fyne thread and the feeder must not wait for it.
type output struct {
	onInput  func([]byte)
	onResize func(cols, rows int)

	mu         sync.Mutex
	waiting    []byte // guarded by mu
	cols, rows int    // a new size, or zero; guarded by mu
	kick       chan struct{}
}

// maxWaiting is how much may wait before answers of the emulator are dropped. What a person types is never dropped.
const maxWaiting = 64 << 10

func newOutput(onInput func([]byte), onResize func(cols, rows int)) *output {
	return &output{onInput: onInput, onResize: onResize, kick: make(chan struct{}, 1)}
}

func (o *output) input(p []byte) {
	o.mu.Lock()
	o.waiting = append(o.waiting, p...)
	o.mu.Unlock()
	o.wake()
}

func (o *output) answer(p []byte) {
	if len(p) == 0 {
		return
	}
	o.mu.Lock()
	if len(o.waiting) < maxWaiting {
		o.waiting = append(o.waiting, p...)
	}
	o.mu.Unlock()
	o.wake()
}

func (o *output) resize(cols, rows int) {
	o.mu.Lock()
	o.cols, o.rows = cols, rows
	o.mu.Unlock()
	o.wake()
}

func (o *output) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// run calls the callbacks until done is closed.
func (o *output) run(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-o.kick:
		}
		o.mu.Lock()
		p, cols, rows := o.waiting, o.cols, o.rows
		o.waiting, o.cols, o.rows = nil, 0, 0
		o.mu.Unlock()
		if cols > 0 {
			o.onResize(cols, rows)
		}
		if len(p) > 0 {
			o.onInput(p)
		}
	}
}
