package demo

import (
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// class is the kind of a refusal. It decides the HTTP status and the gRPC code (login sheet, 1.1).
type class int

const (
	badParameter class = iota
	accessDenied
	notFound
	notImplemented
	limitExceeded
)

var classes = map[class]struct {
	http int
	grpc codes.Code
}{
	badParameter:   {http.StatusBadRequest, codes.InvalidArgument},
	accessDenied:   {http.StatusForbidden, codes.PermissionDenied},
	notFound:       {http.StatusNotFound, codes.NotFound},
	notImplemented: {http.StatusNotImplemented, codes.Unimplemented},
	limitExceeded:  {http.StatusTooManyRequests, codes.ResourceExhausted},
}

// refusal is an error that the client is told word for word. Every other error stays inside and becomes a plain
// "internal error" on the wire.
type refusal struct {
	class class
	text  string
}

func (r *refusal) Error() string { return r.text }

// GRPCStatus lets grpc-go send the refusal as it is.
func (r *refusal) GRPCStatus() *status.Status { return status.New(classes[r.class].grpc, r.text) }

func refuse(c class, format string, args ...any) error {
	return &refusal{class: c, text: fmt.Sprintf(format, args...)}
}

// httpStatus is the status and the message for the web API.
func httpStatus(err error) (int, string) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return classes[r.class].http, r.text
	}
	return http.StatusInternalServerError, "internal error"
}

// grpcError hides errors that are no refusals.
func grpcError(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.GRPCStatus().Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Unknown, "internal error")
}

// ResourceError says which file of the state folder cannot be used, where in it, and why.
type ResourceError struct {
	File string // path of the file
	Err  error  // names the line or the field
}

// Error names the file first.
func (e *ResourceError) Error() string { return fmt.Sprintf("reading %s: %v", e.File, e.Err) }

// Unwrap returns the reason.
func (e *ResourceError) Unwrap() error { return e.Err }
