package agent

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

// service answers the calls.
type service struct {
	agentpb.UnimplementedHardwareKeyAgentServiceServer
	config Config
	turns  chan struct{} // one token for each signature that may wait

	mu   sync.Mutex
	seen map[keyID]*keystore.Key // keys whose slots were found to be marked; guarded by mu
}

// keyID tells keys apart.
type keyID struct {
	serial uint32
	slot   keystore.Slot
	public [sha256.Size]byte
	ttl    time.Duration
}

// mostWaiting is how many signatures may wait for a person, mostSeen how many keys are remembered.
const (
	mostWaiting = 32
	mostSeen    = 64
)

func newService(c Config) *service {
	return &service{config: c, turns: make(chan struct{}, mostWaiting), seen: map[keyID]*keystore.Key{}}
}

// Ping tells which process answers.
func (s *service) Ping(context.Context, *agentpb.PingRequest) (*agentpb.PingResponse, error) {
	return &agentpb.PingResponse{Pid: uint32(os.Getpid())}, nil
}

// Sign signs with a key in a marked slot and asks the person as for a signature of our own. It ends with the caller.
func (s *service) Sign(ctx context.Context, r *agentpb.SignRequest) (*agentpb.Signature, error) {
	use, err := parse(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	default:
		return nil, status.Error(codes.ResourceExhausted, "too many signatures wait for the person already")
	}
	purpose := purposeOf(callerOf(ctx), r)
	key, err := s.open(ctx, use.key)
	if err == nil {
		var signature []byte
		if signature, err = key.For(ctx, purpose).Sign(rand.Reader, r.GetDigest(), use.hash); err == nil {
			return &agentpb.Signature{Signature: signature}, nil
		}
	}
	s.config.Log.Info("a signature for another program was not made", "program", purpose.Program, "err", err)
	return nil, statusOf(ctx, err)
}

// open finds the key. A slot is looked into once for each key: the store itself notices when a slot holds another key
// later.
func (s *service) open(ctx context.Context, want keystore.MarkedKey) (*keystore.Key, error) {
	id := keyID{want.Serial, want.Slot, sha256.Sum256(want.Public), want.PINCacheTTL}
	s.mu.Lock()
	key := s.seen[id]
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := s.config.Keys.OpenMarkedKey(ctx, want)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) >= mostSeen {
		clear(s.seen)
	}
	s.seen[id] = key
	return key, nil
}

// wanted is a request that was understood.
type wanted struct {
	key  keystore.MarkedKey
	hash crypto.Hash
}

// maxTTL is the longest that a caller may have a PIN kept (hardware-key sheet, 10.2).
const maxTTL = time.Hour

// slots are the numbers of PIVSlotKey.
var slots = map[agentpb.PIVSlotKey]keystore.Slot{
	agentpb.PIVSlotKey_PIV_SLOT_KEY_9A: keystore.Slot9A,
	agentpb.PIVSlotKey_PIV_SLOT_KEY_9C: keystore.Slot9C,
	agentpb.PIVSlotKey_PIV_SLOT_KEY_9D: keystore.Slot9D,
	agentpb.PIVSlotKey_PIV_SLOT_KEY_9E: keystore.Slot9E,
}

// hashes are those that can be named. HASH_NONE is none of them: ECDSA signs digests only, and a digest of no known
// length cannot be told from a message.
var hashes = map[agentpb.Hash]crypto.Hash{
	agentpb.Hash_HASH_SHA256: crypto.SHA256,
	agentpb.Hash_HASH_SHA512: crypto.SHA512,
}

// parse checks a request. Its sentences are for whoever wrote the caller.
func parse(r *agentpb.SignRequest) (wanted, error) {
	var w wanted
	var known bool
	if w.hash, known = hashes[r.GetHash()]; !known {
		return w, fmt.Errorf("hash %v is not supported: use SHA-256 or SHA-512", r.GetHash())
	}
	if len(r.GetDigest()) != w.hash.Size() {
		return w, fmt.Errorf("a digest of %d bytes is not one of %v", len(r.GetDigest()), w.hash)
	}
	if r.GetSaltLength() != 0 {
		return w, errors.New("a salt is for RSA keys, which are not supported")
	}
	ref := r.GetKeyRef()
	if w.key.Slot, known = slots[ref.GetSlotKey()]; !known {
		return w, fmt.Errorf("slot %v does not exist", ref.GetSlotKey())
	}
	if ref.GetSerialNumber() == 0 || len(ref.GetPublicKeyDer()) == 0 {
		return w, errors.New("the key needs a serial number and a public key")
	}
	if ttl := r.GetKeyInfo().GetPinCacheTtl(); ttl != nil {
		if err := ttl.CheckValid(); err != nil || ttl.AsDuration() < 0 || ttl.AsDuration() > maxTTL {
			return w, errors.New("the PIN can be kept for an hour at most")
		}
		w.key.PINCacheTTL = ttl.AsDuration()
	}
	w.key.Serial, w.key.Public = ref.GetSerialNumber(), ref.GetPublicKeyDer()
	return w, nil
}

// callerOf is who calls, as far as the system tells.
func callerOf(ctx context.Context) peer {
	if p, ok := grpcpeer.FromContext(ctx); ok {
		if who, ok := p.Addr.(peer); ok {
			return who
		}
	}
	return peer{account: -1}
}

// statusOf is the status of an error (login sheet, 1.1). The other clients fall back to the card after any of them,
// and then ask the person once more: nothing here can keep them from it.
func statusOf(ctx context.Context, err error) error {
	code := codes.Unknown
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the person refused the signature")
	case errors.Is(err, keystore.ErrNotMarked):
		code = codes.PermissionDenied
	case errors.Is(err, keystore.ErrNoCard):
		code = codes.NotFound
	case errors.Is(err, keystore.ErrSlotChanged):
		return status.Error(codes.FailedPrecondition, "public key mismatch on PIV slot")
	case errors.Is(err, keystore.ErrClosed):
		code = codes.Unavailable
	}
	return status.Error(code, fault.From(err).Error())
}
