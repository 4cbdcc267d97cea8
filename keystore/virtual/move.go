package virtual

// moveToNowhere as the destination of MOVE deletes the key.
const moveToNowhere = 0xff

// moveKey answers MOVE KEY of firmware 5.7 (virtual-key sheet, 2.3). The key keeps its policies, and whether it can be
// attested; certificates are objects and stay where they are. What real cards answer to an occupied destination is not
// known: here it is "conditions of use not satisfied", and nothing is overwritten.
func (c *card) moveKey(s *session, cmd command) reply {
	to, from := ref(cmd.p1), ref(cmd.p2)
	switch {
	case !c.firmware.hasMove():
		return just(swUnknownINS)
	case !s.managed:
		return just(swSecurityStatus)
	case !from.holdsKey() || to != moveToNowhere && (!to.holdsKey() || from == slotAttestation || to == slotAttestation):
		return just(swWrongParameters)
	}
	key, ok := c.memory.Keys[from]
	if !ok {
		return just(swReferenceNotFound)
	}
	if to != moveToNowhere {
		if c.memory.Keys[to] != nil {
			return just(swConditions)
		}
		c.memory.Keys[to] = key
	}
	delete(c.memory.Keys, from)
	c.dirty = true
	return success(nil)
}
