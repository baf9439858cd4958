//go:build !race

package asyncapi_test

const raceDetector = false
