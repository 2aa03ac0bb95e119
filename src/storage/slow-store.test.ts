import { MemoryStore } from './memory-store.ts'
import { SlowStore } from './slow-store.suite.ts'
import { describeLogStore } from './store.suite.ts'

describeLogStore('slow store', () => new SlowStore(new MemoryStore()))
