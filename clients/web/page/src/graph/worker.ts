import { layout, type Spot, type Tie } from "./layout";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = (event: MessageEvent<{ spots: Spot[]; ties: Tie[] }>) => {
  self.postMessage(layout(event.data.spots, event.data.ties));
};
