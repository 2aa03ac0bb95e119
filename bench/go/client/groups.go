package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const joinGroupKey = 11

type rebalances struct {
	// From the first JoinGroup until every member has its assignment.
	StableMs float64 `json:"stableMs"`
	// From the LeaveGroup of one until the others have its partitions.
	LeaveMs float64 `json:"leaveMs"`
}

// groups has a number of members join a new group at once, and then one of them leave. The members are clients of one
// process, with a connection of their own each, and as kgo has them by default, but for the interval of heartbeats,
// which is when members hear of a rebalance.
func groups(args []string) error {
	flags, broker := newFlags("groups")
	topic := flags.String("topic", "", "the topic, which is made unless it is there")
	count := flags.Int("members", 3, "how many members the group has")
	heartbeat := flags.Duration("heartbeat", 3*time.Second, "how often members ask whether there is a rebalance")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	partitions := 2 * *count
	if err := broker.createTopic(ctx, *topic, partitions, ""); err != nil {
		return err
	}
	// A topic that has just been made may have no leaders yet.
	if err := fill(ctx, broker, *topic, 1); err != nil {
		return err
	}
	group := &observedGroup{partitions: partitions, changed: make(chan struct{}, 1)}
	options := []kgo.Opt{
		kgo.ConsumerGroup(fmt.Sprintf("%s-%x", *topic, rand.Uint64())), kgo.ConsumeTopics(*topic),
		kgo.HeartbeatInterval(*heartbeat),
	}
	members, err := group.join(broker, *count, options)
	if err != nil {
		return err
	}
	defer func() {
		var closing sync.WaitGroup
		for _, member := range members {
			closing.Go(member.client.Close)
		}
		closing.Wait()
	}()
	stable, err := group.untilStable(ctx)
	if err != nil {
		return err
	}
	result := rebalances{StableMs: float64(stable.Sub(group.firstJoin).Microseconds()) / 1e3}
	// What happens right behind the assignment is no part of the next rebalance.
	time.Sleep(300 * time.Millisecond)
	left := time.Now()
	group.leave(members[0])
	stable, err = group.untilStable(ctx)
	if err != nil {
		return err
	}
	result.LeaveMs = float64(stable.Sub(left).Microseconds()) / 1e3
	return printJSON(result)
}

// observedGroup is what the members of a group have been told.
type observedGroup struct {
	partitions int
	changed    chan struct{}

	lock      sync.Mutex
	firstJoin time.Time
	members   []*observedMember
}

type observedMember struct {
	group  *observedGroup
	client *kgo.Client
	owned  map[int32]bool
	gone   bool
	// When it got what it has.
	since time.Time
}

// join has all members join at once.
func (group *observedGroup) join(broker *target, count int, options []kgo.Opt) ([]*observedMember, error) {
	members := make([]*observedMember, count)
	for index := range members {
		members[index] = &observedMember{group: group, owned: map[int32]bool{}}
	}
	group.members = members
	for _, member := range members {
		taken := func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) { member.lose(partitions) }
		client, err := broker.client(append([]kgo.Opt{
			kgo.WithHooks(group),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
				member.gain(partitions)
			}),
			kgo.OnPartitionsRevoked(taken),
			kgo.OnPartitionsLost(taken),
		}, options...)...)
		if err != nil {
			return nil, err
		}
		member.client = client
	}
	return members, nil
}

// OnBrokerWrite is a hook of kgo: it is told of every request.
func (group *observedGroup) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, toWrite time.Duration, _ error) {
	if key != joinGroupKey {
		return
	}
	group.lock.Lock()
	defer group.lock.Unlock()
	if group.firstJoin.IsZero() {
		group.firstJoin = time.Now().Add(-toWrite)
	}
}

func (member *observedMember) gain(partitions map[string][]int32) {
	member.group.change(func() {
		member.since = time.Now()
		for _, indexes := range partitions {
			for _, index := range indexes {
				member.owned[index] = true
			}
		}
	})
}

func (member *observedMember) lose(partitions map[string][]int32) {
	member.group.change(func() {
		for _, indexes := range partitions {
			for _, index := range indexes {
				delete(member.owned, index)
			}
		}
	})
}

func (group *observedGroup) leave(member *observedMember) {
	group.change(func() {
		member.gone = true
	})
	member.client.LeaveGroup()
}

func (group *observedGroup) change(apply func()) {
	group.lock.Lock()
	apply()
	group.lock.Unlock()
	select {
	case group.changed <- struct{}{}:
	default:
	}
}

// untilStable waits until all members that are there have something and together everything, and returns since when.
func (group *observedGroup) untilStable(ctx context.Context) (time.Time, error) {
	for {
		if since, stable := group.stableSince(); stable {
			return since, nil
		}
		select {
		case <-group.changed:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("the group does not become stable: %w", ctx.Err())
		}
	}
}

func (group *observedGroup) stableSince() (since time.Time, stable bool) {
	group.lock.Lock()
	defer group.lock.Unlock()
	owners := map[int32]int{}
	for _, member := range group.members {
		if member.gone {
			continue
		}
		if len(member.owned) == 0 {
			return since, false
		}
		for index := range member.owned {
			owners[index]++
		}
		if member.since.After(since) {
			since = member.since
		}
	}
	for _, count := range owners {
		if count > 1 {
			return since, false
		}
	}
	return since, len(owners) == group.partitions
}

var _ kgo.HookBrokerWrite = (*observedGroup)(nil)
