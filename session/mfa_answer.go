package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/webauthnpb"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// answer has the person answer a challenge: by a tap where a security key is registered, else by a code.
func (c *sessionCheck) answer(ctx context.Context, challenge *authpb.MFAAuthenticateChallenge) (*authpb.MFAAuthenticateResponse, error) {
	codes := challenge.GetTotp() != nil
	if options := challenge.GetWebauthnChallenge().GetPublicKey(); options != nil {
		response, err := c.link.m.keys.assert(ctx, keystore.AssertRequest{
			Request: c.request(options), Purpose: c.link.m.purpose(c.link.profile, c.purpose()), Code: codes,
		})
		if err == nil {
			return tapped(response), nil
		}
		if !codes || !codeInstead(err) {
			return nil, err
		}
	}
	if !codes {
		return nil, c.noDeviceFault(nil)
	}
	return c.code(ctx)
}

// purpose is what a tap is for: "MFA for SSH to root@web-1", "MFA to connect to database orders".
func (c *sessionCheck) purpose() string {
	if where, connects := strings.CutPrefix(c.what, "Connect"); connects {
		return "MFA to connect" + where
	}
	return "MFA for " + c.what
}

// request is a challenge as security keys understand it. As at sign-in a tap is enough, unless more is required.
func (c *sessionCheck) request(o *webauthnpb.PublicKeyCredentialRequestOptions) fido.Request {
	r := fido.Request{
		Origin: c.link.profile.origin(), RPID: o.GetRpId(), Challenge: o.GetChallenge(),
		AppID: o.GetExtensions().GetAppId(), VerifyUser: o.GetUserVerification() == "required",
	}
	for _, credential := range o.GetAllowCredentials() {
		r.Allowed = append(r.Allowed, credential.GetId())
	}
	return r
}

// tapped is an assertion for the wire.
func tapped(r *fido.Response) *authpb.MFAAuthenticateResponse {
	answer := &webauthnpb.CredentialAssertionResponse{
		Type: r.Type, RawId: r.RawID,
		Response: &webauthnpb.AuthenticatorAssertionResponse{
			ClientDataJson: r.Response.ClientDataJSON, AuthenticatorData: r.Response.AuthenticatorData,
			Signature: r.Response.Signature, UserHandle: r.Response.UserHandle,
		},
	}
	if r.Extensions != nil {
		answer.Extensions = &webauthnpb.AuthenticationExtensionsClientOutputs{AppId: r.Extensions.AppID}
	}
	return &authpb.MFAAuthenticateResponse{Response: &authpb.MFAAuthenticateResponse_Webauthn{Webauthn: answer}}
}

// code asks for a one-time code.
func (c *sessionCheck) code(ctx context.Context) (*authpb.MFAAuthenticateResponse, error) {
	l := c.link
	reason := c.reason
	if reason == "" {
		reason = fmt.Sprintf("%s wants a check for %q.", l.profile.name(), c.what)
	}
	code, err := l.m.askCode(ctx, l.profile.id(), OTPPrompt{Cluster: l.profile.name(), User: l.ring.User, Reason: reason})
	if err != nil {
		return nil, err
	}
	defer code.Wipe()
	c.codes++
	answer := &authpb.TOTPResponse{Code: string(code.Reveal())} // gRPC keeps copies of its own; a code is used up at once
	return &authpb.MFAAuthenticateResponse{Response: &authpb.MFAAuthenticateResponse_Totp{Totp: answer}}, nil
}

// retry runs a check, and once more where a code was wrong or an answer too late.
func (c *sessionCheck) retry(ctx context.Context, check func() error) (err error) {
	for range maxCodes {
		sent, last := c.codes, err
		err = check()
		if errors.Is(err, ErrNobodyAnswers) && last != nil {
			return c.explain(ctx, last) // why the last code was refused says more
		}
		var refused *teleport.AnswerError
		wrong := c.codes > sent && errors.As(err, &refused) && refused.Class == teleport.ClassDenied
		switch {
		case wrong:
			c.reason = fmt.Sprintf("%s did not accept that code. Wait for the next one.", c.link.profile.name())
		case errors.Is(err, errSlowAnswer):
			c.reason = "That took so long that it would have been of no use. Wait for the next code."
		default:
			return c.explain(ctx, err)
		}
	}
	return c.explain(ctx, err)
}

// Words of clusters about checks (gRPC sheet, section 7; ssh sheet, 5.2).
const (
	noCodesText  = "not satisfied by OTP devices"
	noDeviceText = "no MFA devices"
)

// explain finds sentences for a check that did not come about: nothing is opened then. What is not about the check
// stays as it is.
func (c *sessionCheck) explain(ctx context.Context, err error) error {
	name := c.link.profile.name()
	var refused *teleport.AnswerError
	_, unmet := unmetPolicy(err)
	f, known := fault.As(err)
	switch {
	case err == nil || ctx.Err() != nil || unmet:
		return err
	case errors.Is(err, context.Canceled):
		return fault.New(fmt.Sprintf("The check for %q was refused, so nothing was opened.", c.what),
			"Try again, and tap your security key or type the code when you are asked.")
	case errors.Is(err, ErrNobodyAnswers):
		return fault.Wrap(err, fmt.Sprintf("%s wants a one-time code for %q, and nobody was there to type it.", name, c.what),
			"Try again where you can be asked.")
	case errors.Is(err, errSlowAnswer):
		return fault.Wrap(err, fmt.Sprintf("The check for %q took too long, so nothing was opened.", c.what), "Try again and answer within half a minute.")
	case known && f.What != "":
		return fault.Wrap(err, f.What+" Nothing was opened.", f.Do)
	case errors.As(err, &refused):
		return c.refusal(err, refused)
	default:
		return err
	}
}

// refusal explains what a cluster says about a check.
func (c *sessionCheck) refusal(err error, refused *teleport.AnswerError) error {
	name := c.link.profile.name()
	switch {
	case refused.Class == teleport.ClassLimited:
		return fault.Wrap(err, fmt.Sprintf("%s has had too many checks in the last minute, so nothing was opened.", name), "Wait a minute, then try again.")
	case strings.Contains(refused.Message, noCodesText):
		return fault.Wrap(err, fmt.Sprintf("%s takes no one-time codes for sessions, so nothing was opened.", name),
			"Use a security key; if you have registered none, add one in the cluster's web interface.")
	case strings.Contains(refused.Message, noDeviceText):
		return c.noDeviceFault(err)
	case refusedTap(refused):
		return fault.Wrap(err, fmt.Sprintf("%s did not accept the answer of the security key, so nothing was opened.", name),
			"Try again with the security key that you registered there.")
	case refused.Class == teleport.ClassDenied && c.codes > 0:
		return fault.Wrap(err, fmt.Sprintf("%s did not accept the one-time code, so nothing was opened.", name),
			"Wait for the next code and try again; if that does not help, check the clock of the device that shows it.")
	default:
		return err
	}
}

func (c *sessionCheck) noDeviceFault(err error) error {
	return fault.Wrap(err, fmt.Sprintf("%s wants a check for %q, and you have no device for it that counts there.", c.link.profile.name(), c.what),
		fmt.Sprintf("Add a security key in the web interface, at https://%s, and try again.", c.link.profile.Proxy))
}
