package keystore

import (
	"context"
	"slices"
	"sync"
)

// job is one request in the queue of a card.
type job struct {
	ctx  context.Context
	run  func(ctx context.Context) error
	done chan error // buffered
}

// queue is the requests that wait for a card: first come, first served. It is safe for concurrent use.
type queue struct {
	wake chan struct{} // holds one token while there may be jobs

	mu   sync.Mutex
	jobs []*job // guarded by mu
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) add(j *job) {
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next takes the first job out of the queue; nil when there is none.
func (q *queue) next() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		return nil
	}
	j := q.jobs[0]
	q.jobs = slices.Delete(q.jobs, 0, 1)
	return j
}

// remove takes a job back that nobody waits for any more, and reports whether it had not begun.
func (q *queue) remove(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.jobs, j)
	if i >= 0 {
		q.jobs = slices.Delete(q.jobs, i, i+1)
	}
	return i >= 0
}

// length is how many jobs have not begun.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}
