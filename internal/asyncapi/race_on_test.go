//go:build race

package asyncapi_test

// raceDetector: the race detector allocates by itself, so that allocations say nothing.
const raceDetector = true
