package keystore

import (
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func TestRulesForANewPIN(t *testing.T) {
	rows := []struct {
		name string
		pin  string
		ok   bool
	}{
		{"six digits", "739154", true},
		{"eight characters of all kinds", "a B!~,9z", true},
		{"the factory PIN", "123456", false},
		{"nothing", "", false},
		{"five characters", "73915", false},
		{"nine characters", "739154739", false},
		{"a letter that is two bytes", "geheimü", false},
		{"a line break", "739154\n", false},
		{"the padding byte", "739154\xff", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { checkRule(t, CheckNewPIN([]byte(row.pin)), row.ok) })
	}
}

func TestRulesForANewPUK(t *testing.T) {
	rows := []struct {
		name     string
		puk, pin string
		ok       bool
	}{
		{"eight digits", "60518273", "739154", true},
		{"six digits", "605182", "739154", true},
		{"the factory PUK", "12345678", "739154", false},
		{"the PIN again", "739154", "739154", false},
		{"too short", "12345", "739154", false},
		{"too long", "123456789", "739154", false},
		{"not ASCII", "sésame12", "739154", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { checkRule(t, CheckNewPUK([]byte(row.puk), []byte(row.pin)), row.ok) })
	}
}

func checkRule(t *testing.T, err error, ok bool) {
	t.Helper()
	if (err == nil) != ok {
		t.Fatalf("got error %v, want allowed %t", err, ok)
	}
	if err == nil {
		return
	}
	if f, isFault := fault.As(err); !isFault || f.What == "" || f.Do == "" {
		t.Errorf("the refusal %v has no two sentences", err)
	}
}
