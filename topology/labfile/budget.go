package labfile

// maxBuilt is how many parts the labs of all sets and cases of a file may have together, each of which takes up to a
// kilobyte.
const maxBuilt = 1 << 17

// budget is what the labs of sets and cases have taken of maxBuilt so far.
type budget struct{ built int }
