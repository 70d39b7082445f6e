package signin

import "context"

// Watch is told of every step that is taken, to measure it: it returns the
// context that the step goes on in, and what is called with the step's end. It
// decides nothing. proof is one of the words below.
type Watch func(ctx context.Context, proof string) (context.Context, func(Outcome, error))

// The proofs that a step is taken with.
const (
	// ProofPassword: identifier and password.
	ProofPassword = "password"
	// ProofNewPassword: a new password in place of a temporary one.
	ProofNewPassword = "new_password"
	// ProofRegistration: a registration that was just committed.
	ProofRegistration = "registration"
)

// watched takes one step under the eyes of Watch.
func (r *Room) watched(ctx context.Context, proof string, step func(ctx context.Context) (Outcome, error)) (Outcome, error) {
	if r.Watch == nil {
		return step(ctx)
	}
	ctx, end := r.Watch(ctx, proof)
	out, err := step(ctx)
	end(out, err)
	return out, err
}
