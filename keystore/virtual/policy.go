package virtual

// pinPolicy says when a key wants the PIN (virtual-key sheet, 2.5). Zero asks for the slot's default.
type pinPolicy byte

const (
	pinNever  pinPolicy = 1
	pinOnce   pinPolicy = 2
	pinAlways pinPolicy = 3
)

// touchPolicy says when a key wants a touch. Zero asks for the default, never.
type touchPolicy byte

const (
	touchNever  touchPolicy = 1
	touchAlways touchPolicy = 2
	touchCached touchPolicy = 3
)

const (
	tagPINPolicy   = 0xaa
	tagTouchPolicy = 0xab
)

// policies reads the policies that GENERATE and IMPORT carry.
func policies(slot ref, elements tlvs) (pinPolicy, touchPolicy, bool) {
	pin, okPIN := policyByte(elements, tagPINPolicy)
	touch, okTouch := policyByte(elements, tagTouchPolicy)
	if !okPIN || !okTouch {
		return 0, 0, false
	}
	if pin == 0 {
		pin = byte(defaultPINPolicy(slot))
	}
	if touch == 0 {
		touch = byte(touchNever)
	}
	return pinPolicy(pin), touchPolicy(touch), true
}

func policyByte(elements tlvs, tag uint16) (policy byte, ok bool) {
	value, present := elements.find(tag)
	if !present {
		return 0, true
	}
	if len(value) != 1 || value[0] > byte(pinAlways) {
		return 0, false
	}
	return value[0], true
}

func defaultPINPolicy(slot ref) pinPolicy {
	switch slot {
	case slotSignature:
		return pinAlways
	case slotCardAuth:
		return pinNever
	default:
		return pinOnce
	}
}

// allowed reports whether the PIN was given as the policy wants it. "Always" wants it in the command just before.
func (p pinPolicy) allowed(s *session, fresh bool) bool {
	switch p {
	case pinNever:
		return true
	case pinAlways:
		return s.pinVerified && fresh
	default:
		return s.pinVerified
	}
}

// onceTouched runs act at once, or after a touch where the policy wants one.
func (c *card) onceTouched(policy touchPolicy, act func() reply) reply {
	if policy == touchAlways || policy == touchCached && !c.contact.cached() {
		return reply{afterTouch: act}
	}
	return act()
}
