/** sarama that takes the broker for a 4.3.1, feature by feature: the tests are in the Go program beside this file. */
import { testSarama } from './sarama.ts'

testSarama('4.3.1')
