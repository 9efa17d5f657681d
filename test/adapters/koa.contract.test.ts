import Koa from 'koa'
import { describeAdapterContract } from './contract.js'
import { koaHarness } from './koa-harness.js'

describeAdapterContract(koaHarness('Koa 3', Koa))
