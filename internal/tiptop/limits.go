package tiptop

import (
	"context"

	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
)

const textTooMany = "Trop de tentatives, veuillez réessayer plus tard"

// The subjects of the limits. Accounts count by their address whether they exist or not: a limit must not tell which do.
func (a *API) loginCharges(ctx context.Context, email string) []ratelimit.Charge {
	return []ratelimit.Charge{
		{Subject: Name + "/login/account/" + email, Limit: a.Limits.LoginPerAccount},
		{Subject: Name + "/login/address/" + web.PeerKey(ctx), Limit: a.Limits.LoginPerAddress},
	}
}

func (a *API) registerCharge(ctx context.Context) ratelimit.Charge {
	return ratelimit.Charge{Subject: Name + "/register/address/" + web.PeerKey(ctx), Limit: a.Limits.RegisterPerAddress}
}

func (a *API) forgotCharge(email string) ratelimit.Charge {
	return ratelimit.Charge{Subject: Name + "/forgot/account/" + email, Limit: a.Limits.ForgotPerAccount}
}

// charge takes one try from every subject, or refuses the request.
func (a *API) charge(ctx context.Context, charges ...ratelimit.Charge) (ratelimit.Taken, error) {
	taken, err := a.Limiter.Take(ctx, charges...)
	if err == nil && !taken.OK {
		err = problem.TooManyFor(taken.RetryAfter, textTooMany)
	}
	return taken, err
}
