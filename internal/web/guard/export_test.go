package guard

// ReturnAddress is for the fuzz test, which needs no session.
var ReturnAddress = returnAddress
