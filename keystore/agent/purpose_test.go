package agent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

func TestACommandIsShownUpToItsFlags(t *testing.T) {
	for command, want := range map[string]string{
		"/usr/local/bin/tsh ssh root@node-1": "tsh ssh root@node-1",
		"tsh login --otp 123456 --user=bob":  "tsh login",
		"tsh -d ls":                          "tsh",
		"--password hunter2":                 "",
		"":                                   "",
		"tctl\tget\ncap\x1b]0;x\x07":         "tctl get cap ]0;x",
		`tsh "quoted"`:                       "tsh 'quoted'",
		"tsh " + strings.Repeat("ä", 200):    "tsh " + strings.Repeat("ä", longestText-5) + "…",
	} {
		if got := saidBy(command); got != want {
			t.Errorf("saidBy(%q) = %q, want %q", command, got, want)
		}
	}
}

func TestAPersonIsToldWhoAsks(t *testing.T) {
	for name, test := range map[string]struct {
		request *agentpb.SignRequest
		want    keystore.Purpose
	}{
		"everything is known": {
			&agentpb.SignRequest{Command: "tsh ls", KeyInfo: &agentpb.KeyInfo{ClusterName: "c", ProxyHost: "p", Username: "u"}},
			keystore.Purpose{Where: "c", What: `Signature for "tsh ls" as u`, Program: "tsh"},
		},
		"only the proxy": {
			&agentpb.SignRequest{KeyInfo: &agentpb.KeyInfo{ProxyHost: "p\n"}},
			keystore.Purpose{Where: "p", What: "Signature", Program: "another program"},
		},
		"nothing": {&agentpb.SignRequest{}, keystore.Purpose{What: "Signature", Program: "another program"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, purposeOf(peer{account: -1}, test.request)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheMessagesHaveTheNumbersOfTheSheet spells a request out by hand (hardware-key sheet, 10.2).
func TestTheMessagesHaveTheNumbersOfTheSheet(t *testing.T) {
	bytesField := func(to []byte, number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), value)
	}
	numberField := func(to []byte, number protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), value)
	}
	ref := bytesField(numberField(numberField(nil, 1, 12345678), 2, 3), 3, []byte("der"))
	ttl := numberField(nil, 1, 60)
	info := numberField(numberField(nil, 1, 1), 2, 1)
	for i, text := range []string{"proxy", "alice", "cluster"} {
		info = bytesField(info, protowire.Number(3+i), []byte(text))
	}
	info = bytesField(info, 6, ttl)
	message := numberField(numberField(bytesField(nil, 1, []byte("digest")), 2, 3), 3, 20)
	message = bytesField(bytesField(bytesField(message, 4, ref), 5, info), 6, []byte("tsh"))

	var got agentpb.SignRequest
	if err := proto.Unmarshal(message, &got); err != nil {
		t.Fatal(err)
	}
	want := &agentpb.SignRequest{
		Digest: []byte("digest"), Hash: agentpb.Hash_HASH_SHA512, SaltLength: 20, Command: "tsh",
		KeyRef: &agentpb.KeyRef{SerialNumber: 12345678, SlotKey: agentpb.PIVSlotKey_PIV_SLOT_KEY_9D, PublicKeyDer: []byte("der")},
		KeyInfo: &agentpb.KeyInfo{
			TouchRequired: true, PinRequired: true, ProxyHost: "proxy", Username: "alice", ClusterName: "cluster",
			PinCacheTtl: &durationpb.Duration{Seconds: 60},
		},
	}
	if diff := cmp.Diff(want, &got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if name := agentpb.HardwareKeyAgentService_Sign_FullMethodName; name != "/teleport.hardwarekeyagent.v1.HardwareKeyAgentService/Sign" {
		t.Errorf("the method is %s", name)
	}
}
