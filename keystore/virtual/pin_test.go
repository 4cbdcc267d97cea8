package virtual

import "testing"

const (
	changePIN   = "00240080 10 313233343536ffff 363534333231ffff"
	changePUK   = "00240081 10 3132333435363738 3837363534333231"
	unblock     = "002c0080 10 3132333435363738 363534333231ffff"
	wrongPUK    = "002c0080 10 3030303030303030 363534333231ffff"
	verifyNew   = "00200080 08 363534333231ffff"
	metadataPIN = "00f70080"
	metadataPUK = "00f70081"
)

func TestVerify(t *testing.T) {
	b := newBench(t)
	b.want(askPIN, "63c3")
	b.want(verifyDefault, "9000")
	b.want(askPIN, "9000")
	b.want("0020ff80", "9000")
	b.want(askPIN, "63c3")
}

func TestVerifyRefusesWhatIsNoPIN(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"the PUK":                {"0020008108 3132333435363738", "6a88"},
		"a fingerprint":          {"00200096", "6a88"},
		"the global PIN":         {"0020000008 313233343536ffff", "6a88"},
		"a PIN without padding":  {"0020008006 313233343536", "6a80"},
		"a PIN of nine bytes":    {"0020008009 313233343536373839", "6a80"},
		"an unknown P1":          {"0020018008 313233343536ffff", "6a86"},
		"another padding":        {"0020008008 3132333435360000", "63c2"},
		"a PIN with one more FF": {"0020008008 31323334353637ff", "63c2"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.want(row.apdu, row.word)
			b.want("00f80000", "00bc614e 9000")
		})
	}
}

func TestWrongPINsBlockIt(t *testing.T) {
	b := newBench(t)
	b.want(verifyDefault, "9000")
	b.want(verifyWrong, "63c2")
	b.want(askPIN, "63c2") // a wrong PIN also ends a verified one
	b.want(verifyWrong, "63c1")
	b.want(verifyWrong, "63c0")
	b.want(verifyWrong, "6983")
	b.want(verifyDefault, "6983")
	b.want(askPIN, "6983")
	b.want(changePIN, "6983")
}

func TestTheRightPINGivesTheAttemptsBack(t *testing.T) {
	b := newBench(t)
	b.want(verifyWrong, "63c2")
	b.want(verifyWrong, "63c1")
	b.want(verifyDefault, "9000")
	b.want("0020ff80", "9000")
	b.want(askPIN, "63c3")
}

func TestChangePIN(t *testing.T) {
	b := newBench(t)
	b.want(changePIN, "9000")
	b.want(changePIN, "63c2")
	b.want(verifyDefault, "63c1")
	b.want(verifyNew, "9000")
	b.want(metadataPIN, "0101ff 050100 06020303 9000")
}

func TestAWrongOldPINEndsAVerifiedOne(t *testing.T) {
	b := newBench(t)
	b.want(verifyDefault, "9000")
	b.want("00240080 10 393939393939ffff 363534333231ffff", "63c2")
	b.want(askPIN, "63c2")
}

func TestAWrongOldPUKLeavesAVerifiedPINAlone(t *testing.T) {
	b := newBench(t)
	b.want(verifyDefault, "9000")
	b.want("00240081 10 3030303030303030 3837363534333231", "63c2")
	b.want(askPIN, "9000")
}

func TestChangingBackToTheFactoryPINIsDefaultAgain(t *testing.T) {
	b := newBench(t)
	b.want(metadataPIN, "0101ff 050101 06020303 9000")
	b.want(changePIN, "9000")
	b.want("00240080 10 363534333231ffff 313233343536ffff", "9000")
	b.want(metadataPIN, "0101ff 050101 06020303 9000")
}

func TestChangeReferenceRefuses(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"a PIN of five characters":    {"00240080 10 313233343536ffff 3132333435ffffff", "6a80"},
		"padding in the middle":       {"00240080 10 313233343536ffff 31323334ff363738", "6a80"},
		"an empty PIN":                {"00240080 10 313233343536ffff ffffffffffffffff", "6a80"},
		"one value instead of two":    {"00240080 08 313233343536ffff", "6a80"},
		"a reference that is unknown": {"00240082 10 313233343536ffff 363534333231ffff", "6a88"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.want(row.apdu, row.word)
			b.want(verifyDefault, "9000")
		})
	}
}

func TestChangePUK(t *testing.T) {
	b := newBench(t)
	b.want(metadataPUK, "0101ff 050101 06020303 9000")
	b.want(changePUK, "9000")
	b.want(metadataPUK, "0101ff 050100 06020303 9000")
	b.want(unblock, "63c2")
}

func TestThePUKUnblocksThePIN(t *testing.T) {
	b := newBench(t)
	b.blockPIN()
	b.want(unblock, "9000")
	b.want(askPIN, "63c3") // the PIN is set, not verified
	b.want(verifyNew, "9000")
}

func TestResetRetryRefuses(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"a wrong PUK":              {wrongPUK, "63c2"},
		"a short new PIN":          {"002c0080 10 3132333435363738 3132333435ffffff", "6a80"},
		"another reference":        {"002c0081 10 3132333435363738 363534333231ffff", "6a88"},
		"one value instead of two": {"002c0080 08 3132333435363738", "6a80"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.want(row.apdu, row.word)
			b.want(verifyDefault, "9000")
		})
	}
}

func TestWrongPUKsBlockIt(t *testing.T) {
	b := newBench(t)
	for _, word := range []string{"63c2", "63c1", "63c0", "6983"} {
		b.want(wrongPUK, word)
	}
	b.want(unblock, "6983")
	b.want(metadataPUK, "0101ff 050101 06020300 9000")
}

func TestSetRetriesNeedsBothSecrets(t *testing.T) {
	b := newBench(t)
	b.want("00fa0504", "6982")
	b.want(verifyDefault, "9000")
	b.want("00fa0504", "6982")
	b.manage()
	b.want("00fa0004", "6a86")
	b.want("00fa0500", "6a86")
	b.want("00fa0504", "9000")
	b.want(metadataPIN, "0101ff 050101 06020505 9000")
	b.want(metadataPUK, "0101ff 050101 06020404 9000")
}

func TestSetRetriesSetsTheFactoryPIN(t *testing.T) {
	b := newBench(t)
	b.want(changePIN, "9000")
	b.want(changePUK, "9000")
	b.want(verifyNew, "9000")
	b.manage()
	b.want("00fa2004", "9000")
	b.want(verifyWrong, "63cf") // 31 left: more than the word can say
	b.want(verifyDefault, "9000")
}

func TestFactoryResetNeedsPINAndPUKBlocked(t *testing.T) {
	b := newBench(t)
	b.manage()
	b.generate("9a", "01", "01")
	b.want("00db3fff 0a 5c035fc102 5303aabbcc", "9000")
	b.want("00fb0000", "6985")
	b.blockPIN()
	b.want("00fb0000", "6985")
	for range 3 {
		b.send(wrongPUK)
	}
	b.want("00fb0000", "9000")
	b.want(verifyDefault, "9000")
	b.want("00f7009a", "6a88")
	b.want("00cb3fff 05 5c035fc102", "6a82")
	b.wantWord("00cb3fff 05 5c035fff01", "6100") // the attestation certificate stays
	b.want("0047009a 05 ac03800111", "6982")
}

func (b *bench) blockPIN() {
	b.t.Helper()
	for _, word := range []string{"63c2", "63c1", "63c0", "6983"} {
		b.want(verifyWrong, word)
	}
}
