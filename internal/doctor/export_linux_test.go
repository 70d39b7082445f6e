package doctor

// MemoryOf is memoryOf, for a made-up root.
var MemoryOf = memoryOf
