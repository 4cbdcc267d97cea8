package virtual

import "crypto/sha256"

// assertRequest is an authenticatorGetAssertion (CTAP 2.1, 6.2).
type assertRequest struct {
	rpID           string
	rpHash         []byte
	clientDataHash []byte
	allowed        [][]byte
	listed         bool // there is a list of allowed credentials
	ceremonyOptions
}

// assertion is one credential that an answer may be made of.
type assertion struct {
	credential *credential
	request    assertRequest
	flags      byte
}

func parseAssert(f *fields) (assertRequest, ctapStatus) {
	r := assertRequest{rpID: required[string](f, 1), clientDataHash: required[[]byte](f, 2)}
	r.allowed, r.listed = f.ids(3)
	options := f.sub(5)
	r.ceremonyOptions = f.options(options, 6, 7)
	f.join(options)
	hash := sha256.Sum256([]byte(r.rpID))
	r.rpHash = hash[:]
	f.checkHash(r.clientDataHash)
	if _, ok := options.m["rk"]; ok && f.status == ctapOK {
		return r, ctapUnsupportedOption
	}
	return r, f.status
}

// getAssertion signs with a credential of a relying party.
func (a *authenticator) getAssertion(c ceremony, f *fields) (cborMap, ctapStatus) {
	r, status := parseAssert(f)
	if r.auth.isProbe() {
		return nil, a.probe(c)
	}
	if status != ctapOK {
		return nil, status
	}
	verified, status := a.verified(r.auth, r.clientDataHash, permitGetAssertion, r.rpID)
	if status != ctapOK {
		return nil, status
	}
	if r.verify && !verified {
		return nil, ctapInvalidOption
	}
	flags := byte(0)
	if verified {
		flags |= flagVerified
	}
	if !r.presenceSet || r.presence {
		flags |= flagPresent
		if status := a.tap(c); status != ctapOK { // before telling even that there is no credential
			return nil, status
		}
	}
	found := a.match(r, verified)
	if len(found) == 0 {
		return nil, ctapNoCredentials
	}
	return a.assertFirst(r, flags, found), ctapOK
}

// match returns the credentials that may answer, the newest first.
func (a *authenticator) match(r assertRequest, verified bool) []*credential {
	if !r.listed {
		return a.permitted(a.memory.residents(r.rpHash), 2, verified)
	}
	for _, id := range r.allowed {
		if c := a.memory.find(r.rpHash, id); c != nil {
			if ok := a.permitted([]*credential{c}, 3, verified); len(ok) > 0 {
				return ok
			}
		}
	}
	return nil
}

// permitted leaves out what credProtect hides from who has not verified the user: protection from a level on.
func (a *authenticator) permitted(all []*credential, hiddenFrom int, verified bool) []*credential {
	var ok []*credential
	for _, c := range all {
		if verified || c.Protection < hiddenFrom {
			ok = append(ok, c)
		}
	}
	return ok
}

func (a *authenticator) assertFirst(r assertRequest, flags byte, found []*credential) cborMap {
	a.next = nil
	for _, c := range found[1:] {
		a.next = append(a.next, assertion{c, r, flags})
	}
	several := len(found) > 1
	answer := a.sign(assertion{found[0], r, flags}, several)
	if several {
		answer[5] = len(found)
	}
	return answer
}

// nextAssertion returns the next of several (CTAP 2.1, 6.3).
func (a *authenticator) nextAssertion() (cborMap, ctapStatus) {
	if len(a.next) == 0 {
		return nil, ctapNotAllowed
	}
	one := a.next[0]
	a.next = a.next[1:]
	return a.sign(one, true), ctapOK
}

// sign makes one answer. A user's names are told only to who verified the user and has to choose.
func (a *authenticator) sign(s assertion, several bool) cborMap {
	data := authData(s.request.rpHash, s.flags, a.memory.count())
	answer := cborMap{
		1: cborMap{"id": s.credential.ID, "type": publicKeyCredential},
		2: data,
		3: s.credential.Key.sign(data, s.request.clientDataHash),
	}
	if s.credential.Resident {
		user := cborMap{"id": s.credential.UserID}
		if several && s.flags&flagVerified != 0 {
			user["name"], user["displayName"] = s.credential.UserName, s.credential.DisplayName
		}
		answer[4] = user
	}
	return answer
}
