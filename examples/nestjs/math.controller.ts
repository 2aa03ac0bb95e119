import { Controller } from '@nestjs/common'
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices'

/** What is tested: a service that answers over Kafka, and takes note of events. */
@Controller()
export class MathController {
  readonly seen: unknown[] = []

  @MessagePattern('math.sum')
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0)
  }

  @EventPattern('math.seen')
  note(@Payload() what: unknown): void {
    this.seen.push(what)
  }
}
