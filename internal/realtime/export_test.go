package realtime

// NewBus is the Bus of one process, for several hubs in it.
var NewBus = newBus
