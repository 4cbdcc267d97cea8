package vt

// history keeps the lines that scrolled off the top of the main screen, oldest first, in a ring that grows to limit
// lines. Lines are trimmed to the cells they use: most are short, and ten thousand of them should stay cheap.
type history struct {
	ring  []*Line
	head  int // the oldest, once the ring is full
	limit int
}

func (h *history) len() int { return len(h.ring) }

// at returns line i; 0 is the oldest.
func (h *history) at(i int) *Line {
	i += h.head
	if i >= len(h.ring) {
		i -= len(h.ring)
	}
	return h.ring[i]
}

// push keeps a copy of l, in the memory of the line that falls out where that fits well enough.
func (h *history) push(l *Line, gen uint64) {
	if h.limit <= 0 {
		return
	}
	cells := l.Cells[:l.used()]
	if len(h.ring) < h.limit {
		h.ring = append(h.ring, &Line{})
		h.keep(len(h.ring)-1, cells, l.Wrapped, gen)
		return
	}
	h.keep(h.head, cells, l.Wrapped, gen)
	if h.head++; h.head == len(h.ring) {
		h.head = 0
	}
}

// keep copies cells into the line at place i of the ring. Whoever painted what was there sees the new generation.
func (h *history) keep(i int, cells []Cell, wrapped bool, gen uint64) {
	const step = 16 // sizes are rounded up, so that lines of similar length can take each other's place
	l := h.ring[i]
	if n := cap(l.Cells); n < len(cells) || n > 4*len(cells)+8*step {
		l.Cells = make([]Cell, 0, (len(cells)+step-1)/step*step)
	}
	l.Cells, l.Wrapped, l.gen, l.high = append(l.Cells[:0], cells...), wrapped, gen, len(cells)
}

// pop takes the newest line back, or returns nil.
func (h *history) pop() *Line {
	n := len(h.ring)
	if n == 0 {
		return nil
	}
	if h.head != 0 { // straighten the ring so that the newest is last
		h.ring = append(append([]*Line(nil), h.ring[h.head:]...), h.ring[:h.head]...)
		h.head = 0
	}
	l := h.ring[n-1]
	h.ring[n-1] = nil
	h.ring = h.ring[:n-1]
	return l
}

func (h *history) clear() { h.ring, h.head = nil, 0 }
