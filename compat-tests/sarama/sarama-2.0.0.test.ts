/** sarama that takes the broker for a 2.0.0, feature by feature: the tests are in the Go program beside this file. */
import { testSarama } from './sarama.ts'

testSarama('2.0.0')
