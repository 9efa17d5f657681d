import express from 'express'
import { describeAdapterContract } from './contract.js'
import { expressHarness } from './express-harness.js'

describeAdapterContract(expressHarness('Express 5', express))
