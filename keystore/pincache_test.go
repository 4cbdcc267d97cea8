package keystore

import (
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// cacheAt is a cache on a clock that the test moves.
func cacheAt(start time.Time) (*pinCache, *time.Time) {
	now := start
	return newPINCache(func() time.Time { return now }), &now
}

func TestTheCacheKeepsAPINForAsLongAsItWasTold(t *testing.T) {
	p, now := cacheAt(time.Now())
	pin := secret.New([]byte("739154"))
	defer pin.Wipe()
	p.put(pin, 0)
	if p.get(time.Hour) != nil {
		t.Error("a PIN was kept for no time at all")
	}
	p.put(pin, 10*time.Minute)
	*now = now.Add(4 * time.Minute)
	if got := p.get(5 * time.Minute); !got.Equal(pin) {
		t.Error("the PIN is not there after 4 minutes")
	}
	if p.get(4*time.Minute) != nil {
		t.Error("a PIN that is 4 minutes old was given to who wanted a newer one")
	}
	if p.get(0) != nil {
		t.Error("a PIN was given to who wanted none")
	}
	*now = now.Add(6 * time.Minute)
	if p.get(time.Hour) != nil || !p.until().IsZero() {
		t.Error("the PIN outlived its time: use must not extend it")
	}
}

func TestTheSamePINAgainExtendsAndAnotherReplaces(t *testing.T) {
	p, now := cacheAt(time.Now())
	start := *now
	p.put(secret.New([]byte("739154")), 10*time.Minute)
	*now = now.Add(time.Minute)
	p.put(secret.New([]byte("739154")), time.Minute)
	if got, want := p.until(), start.Add(10*time.Minute); !got.Equal(want) {
		t.Errorf("a shorter time moved the end to %v, want %v", got, want)
	}
	p.put(secret.New([]byte("739154")), 20*time.Minute)
	if got, want := p.until(), now.Add(20*time.Minute); !got.Equal(want) {
		t.Errorf("a longer time moved the end to %v, want %v", got, want)
	}
	p.put(secret.New([]byte("864209")), time.Minute)
	if got := p.get(time.Hour); string(got.Reveal()) != "864209" || !p.until().Equal(now.Add(time.Minute)) {
		t.Errorf("another PIN did not take the first one's place")
	}
	p.forget()
	if p.get(time.Hour) != nil {
		t.Error("the PIN was not forgotten")
	}
}

func TestNoPINIsKeptForMoreThanAnHour(t *testing.T) {
	p, now := cacheAt(time.Now())
	p.put(secret.New([]byte("739154")), 24*time.Hour)
	*now = now.Add(time.Hour)
	if p.get(24*time.Hour) != nil {
		t.Error("a PIN was kept for more than an hour")
	}
}

func TestAPINEndsByWhicheverClockIsFurther(t *testing.T) {
	p, now := cacheAt(time.Now())
	p.put(secret.New([]byte("739154")), time.Minute)
	*now = now.Round(0).Add(time.Hour) // the machine slept: the monotonic clock stood still, the wall clock did not
	if p.get(time.Minute) != nil {
		t.Error("a PIN survived an hour of sleep")
	}
}

func TestExpiredPINsAreWiped(t *testing.T) {
	p, now := cacheAt(time.Now())
	p.put(secret.New([]byte("739154")), time.Minute)
	kept := p.pin
	*now = now.Add(time.Minute)
	p.expire()
	if kept.Len() != 0 {
		t.Error("the expired PIN is still in memory")
	}
}
