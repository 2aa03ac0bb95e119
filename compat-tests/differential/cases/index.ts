/** Every case, by being imported. */
import './api-versions.ts'
import './connection.ts'
import './delete-records.ts'
import './fetch.ts'
import './heartbeat.ts'
import './join-group.ts'
import './leave-group.ts'
import './list-offsets.ts'
import './produce.ts'
import './sync-group.ts'

export { cases } from '../case.ts'
