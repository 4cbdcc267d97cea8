package teleport

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

func TestTheWordsOfARefusalAreFound(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"as clusters write them", "{\n    \"error\": {\n        \"message\": \"invalid username or password\"\n    }\n}", "invalid username or password"},
		{"with what debug mode adds", `{"error":{"message":"no"},"traces":[],"fields":{}}`, "no"},
		{"at the top", `{"message":"no"}`, "no"},
		{"as plain text", "404 page not found\n", "404 page not found"},
		{"in another form", `{"error":"no"}`, `{"error":"no"}`},
		{"cut, where they are long", strings.Repeat("x", 9999), strings.Repeat("x", 500)},
		{"nowhere", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := errorMessage([]byte(test.body)); got != test.want {
				t.Errorf("errorMessage() = %q, want %q", got, test.want)
			}
		})
	}
}

func TestARefusalForAWeakKeyIsFoundInAnyWrapping(t *testing.T) {
	for text, want := range map[string]string{
		"private key policy not met: hardware_key_touch":                       "hardware_key_touch",
		"rpc error: private key policy not satisfied: hardware_key_pin; sorry": "hardware_key_pin",
		"private key policy not met: hardware_key_face":                        "hardware_key_face",
		"private key policy not met:":                                          "",
		"invalid username or password":                                         "",
		"private key policy not known: hardware_key":                           "",
		"": "",
	} {
		policy, found := UnmetPolicy(text)
		if policy != want || found != (want != "") {
			t.Errorf("UnmetPolicy(%q) = %q, %v, want %q", text, policy, found, want)
		}
		var unmet *UnmetPolicyError
		var answered *AnswerError
		err := fmt.Errorf("signing in: %w", answer(ClassBadRequest, "HTTP 400", text))
		if errors.As(err, &unmet) != (want != "") || !errors.As(err, &answered) || answered.Message != text {
			t.Errorf("answer(%q) = %v", text, err)
		}
	}
}

func FuzzRefusal(f *testing.F) {
	f.Add(400, []byte(`{"error":{"message":"private key policy not met: hardware_key_touch"}}`))
	f.Add(404, []byte("404 page not found"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		err := refusal(status, body)
		var answered *AnswerError
		if !errors.As(err, &answered) || err.Error() == "" {
			t.Errorf("refusal(%d, %q) = %v", status, body, err)
		}
		var unmet *UnmetPolicyError
		if errors.As(err, &unmet) && unmet.Policy == "" {
			t.Errorf("refusal(%d, %q) demands nothing", status, body)
		}
	})
}

func TestBothProtocolsHaveTheSameClasses(t *testing.T) {
	tests := []struct {
		status int
		code   codes.Code
		want   Class
	}{
		{400, codes.InvalidArgument, ClassBadRequest},
		{403, codes.PermissionDenied, ClassDenied},
		{401, codes.Unauthenticated, ClassDenied},
		{404, codes.NotFound, ClassNotFound},
		{429, codes.ResourceExhausted, ClassLimited},
		{501, codes.Unimplemented, ClassUnimplemented},
		{504, codes.Unavailable, ClassUnavailable},
		{500, codes.Unknown, ClassOther},
	}
	for _, test := range tests {
		if got := classOfStatus(test.status); got != test.want {
			t.Errorf("classOfStatus(%d) = %d, want %d", test.status, got, test.want)
		}
		if got := classOfCode(test.code); got != test.want {
			t.Errorf("classOfCode(%v) = %d, want %d", test.code, got, test.want)
		}
	}
}
