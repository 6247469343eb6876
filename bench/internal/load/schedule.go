package load

import (
	"math/rand/v2"
	"time"
)

// Schedule is when calls are meant to start.
type Schedule interface {
	// Next is the time of the next call after the begin of the load; never less
	// than the one before.
	Next() time.Duration
}

// Constant has calls at equal distances, the first at the begin.
func Constant(perSecond float64) Schedule { return &constant{perSecond: perSecond} }

type constant struct {
	perSecond float64
	count     int
}

func (c *constant) Next() time.Duration {
	// By the count, for sums of rounded distances run away.
	at := seconds(float64(c.count) / c.perSecond)
	c.count++
	return at
}

// Poisson has calls that know nothing of each other, as those of many people:
// the distances are exponentially distributed. The same seed makes the same
// schedule.
func Poisson(perSecond float64, seed uint64) Schedule {
	return &poisson{perSecond: perSecond, random: rand.New(rand.NewPCG(seed, 0))}
}

type poisson struct {
	perSecond float64
	random    *rand.Rand
	at        float64
}

func (p *poisson) Next() time.Duration {
	p.at += p.random.ExpFloat64() / p.perSecond
	return seconds(p.at)
}

// Varying has calls at a rate that changes, by chance as in Poisson: those of a
// steady load of `most` a second, of which a share is left out. `rate` is never
// above that; where it is 0, there are none.
func Varying(rate func(time.Duration) float64, most float64, seed uint64) Schedule {
	random := rand.New(rand.NewPCG(seed, 1))
	return &varying{all: Poisson(most, seed), keep: func(at time.Duration) bool { return random.Float64()*most < rate(at) }}
}

type varying struct {
	all  Schedule
	keep func(time.Duration) bool
}

// Even has calls at a rate that changes, without chance: each comes when the rate,
// added up since the begin, has reached its number.
func Even(rate func(time.Duration) float64) Schedule { return &even{rate: rate} }

type even struct {
	rate func(time.Duration) float64
	at   time.Duration
	// Added up until then, and how many calls there have been.
	sum   float64
	count int
}

func (e *even) Next() time.Duration {
	const step = time.Millisecond / 10
	for e.sum < float64(e.count) && e.at < endless {
		e.sum += e.rate(e.at) * step.Seconds()
		e.at += step
	}
	e.count++
	return e.at
}

// endless is more than any load lasts: a rate that stays at 0 ends there.
const endless = 1000 * time.Hour

func (v *varying) Next() time.Duration {
	at := v.all.Next()
	for !v.keep(at) && at < endless {
		at = v.all.Next()
	}
	return at
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
