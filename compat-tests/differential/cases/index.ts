/** Every case, by being imported. */
import './api-versions.ts'
import './connection.ts'
import './produce.ts'

export { cases } from '../case.ts'
