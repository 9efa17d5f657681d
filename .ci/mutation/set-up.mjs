// A client loads it with its first call. Here it is loaded before a test stops the clock.
import 'cockatiel'
