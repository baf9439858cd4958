package contract

// Report collects the violations and missing defaults of one validation at a time. Not safe for concurrent use.
type Report struct{ violations []Violation }

// NewReport returns a report for violations in the given place (InBody…), of the named parameter, in language lang.
func NewReport(in, name, lang string) *Report { return &Report{} }

// AcquireReport is NewReport from a pool; give it back with Release.
func AcquireReport(in, name, lang string) *Report { return NewReport(in, name, lang) }

// Release gives the report back to the pool. Violations obtained from it stay valid.
func (r *Report) Release() {}

// Reset empties the report and sets the place and language of the violations to come.
func (r *Report) Reset(in, name, lang string) {}

// At sets the place of the violations to come and keeps the ones already there.
func (r *Report) At(in, name string) {}

// Violations are all violations since Reset, in document order; nil if there are none.
func (r *Report) Violations() []Violation { return r.violations }

// WithDefaults returns value (the one last validated) with absent properties' defaults inserted; the same slice when
// there are none.
func (r *Report) WithDefaults(value []byte) []byte { return value }
