package teleport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// maxBody is far above every answer of the web API.
const maxBody = 4 << 20

// Ping asks the proxy what it is and how to sign in (login sheet, section 3).
func (c *Client) Ping(ctx context.Context) (*wire.Ping, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience.Call)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url(wire.PathPing), nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s who it is: %w", c.address, err)
	}
	var ping wire.Ping
	if err := c.do(request, &ping); err != nil {
		return nil, fmt.Errorf("asking %s who it is: %w", c.address, err)
	}
	return &ping, nil
}

// BeginLogin presents user and password and returns the challenges that finishing must answer (login sheet, 5.3).
func (c *Client) BeginLogin(ctx context.Context, user string, password *secret.Bytes) (*wire.LoginBeginResponse, error) {
	var challenges wire.LoginBeginResponse
	body, err := secretBody(wire.LoginBeginRequest{User: user}, "pass", password)
	if err == nil {
		err = c.post(ctx, wire.PathLoginBegin, body, &challenges)
	}
	if err != nil {
		return nil, fmt.Errorf("beginning to sign in: %w", err)
	}
	return &challenges, nil
}

// FinishLogin asks for certificates. The request's own Password and TOTPCode are left empty; password and code take
// their places, code being nil where none is wanted. A refusal for a weak key is an *UnmetPolicyError.
func (c *Client) FinishLogin(ctx context.Context, r wire.LoginFinishRequest, password, code *secret.Bytes) (*wire.LoginResponse, error) {
	var certificates wire.LoginResponse
	body, err := secretBody(r, "password", password)
	if err == nil && code != nil {
		body, err = insertSecret(body, "totp_code", code)
	}
	if err == nil {
		err = c.post(ctx, wire.PathLoginFinish, body, &certificates)
	}
	if err != nil {
		return nil, fmt.Errorf("finishing to sign in: %w", err)
	}
	if len(certificates.HostSigners) == 0 {
		return nil, fmt.Errorf("finishing to sign in: %w", ErrNoHostSigners)
	}
	return &certificates, nil
}

// post sends body, which it wipes, and reads the answer.
func (c *Client) post(ctx context.Context, path string, body *secret.Bytes, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience.Call)
	defer cancel()
	content := &wipedReader{content: body}
	defer content.wipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url(path), content.fromStart())
	if err != nil {
		return err
	}
	request.ContentLength = int64(body.Len())
	request.GetBody = func() (io.ReadCloser, error) { return content.fromStart(), nil }
	request.Header.Set("Content-Type", "application/json")
	return c.do(request, answer)
}

func (c *Client) url(path string) string {
	return (&url.URL{Scheme: "https", Host: c.address, Path: path}).String()
}

// do sends a request and decodes the answer, or gives the failure its type.
func (c *Client) do(request *http.Request, answer any) error {
	request.Header.Set("User-Agent", c.userAgent)
	response, err := c.http.Do(request)
	if err != nil {
		return sortHTTP(request.Context(), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", sortHTTP(request.Context(), err))
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response.StatusCode, body)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// refusal makes the typed error of an answer that is not 200 (login sheet, 1.1).
func refusal(status int, body []byte) error {
	return answer(classOfStatus(status), fmt.Sprintf("HTTP %d", status), errorMessage(body))
}

// errorMessage finds the words of a refusal: error.message, else a top-level message, else the body itself.
func errorMessage(body []byte) string {
	var shape struct {
		Error   wire.ErrorMessage `json:"error"`
		Message string            `json:"message"`
	}
	_ = json.Unmarshal(body, &shape) // plain text, as for unknown paths, is taken as it is
	switch {
	case shape.Error.Message != "":
		return shape.Error.Message
	case shape.Message != "":
		return shape.Message
	default:
		return strings.TrimSpace(string(body[:min(len(body), 500)]))
	}
}

func classOfStatus(status int) Class {
	switch status {
	case http.StatusBadRequest:
		return ClassBadRequest
	case http.StatusUnauthorized, http.StatusForbidden:
		return ClassDenied
	case http.StatusNotFound:
		return ClassNotFound
	case http.StatusTooManyRequests:
		return ClassLimited
	case http.StatusNotImplemented:
		return ClassUnimplemented
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return ClassUnavailable
	default:
		return ClassOther
	}
}

// sortHTTP gives a failed exchange its type: the caller gave up, the proxy is not trusted, it is silent, or another
// reason.
func sortHTTP(ctx context.Context, err error) error {
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return &UntrustedProxyError{Fingerprint: fingerprint(untrusted), Err: untrusted.Err}
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	case isTimeout(err):
		return errors.Join(ErrSilent, err)
	default:
		return err
	}
}

// fingerprint is the SHA-256 of the certificate that was refused, in the form that other tools print.
func fingerprint(err *tls.CertificateVerificationError) string {
	if len(err.UnverifiedCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(err.UnverifiedCertificates[0].Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
